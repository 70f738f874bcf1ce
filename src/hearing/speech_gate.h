// From speech probabilities to stretches of speech: a threshold with hysteresis, a least silence
// that ends speech, and padding (the rules that Silero's authors publish with their model).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace tenwatt::hearing {

/// Samples at 16 kHz that one probability speaks of.
inline constexpr int64_t kVadHop = 512;

struct VadOptions {
  float threshold = 0.5F;         ///< speech begins at or above
  float close_threshold = 0.35F;  ///< silence begins below
  int64_t min_speech_ms = 250;    ///< shorter speech is dropped
  int64_t min_silence_ms = 100;   ///< shorter silence does not end speech
  int64_t pad_ms = 30;            ///< added on both sides, at most half of a gap
};

/// The gate itself, one probability at a time.
class SpeechGate {
 public:
  explicit SpeechGate(const VadOptions& options) : options_(options) {}

  /// A stretch of samples [first, end).
  struct Stretch {
    int64_t first = 0;
    int64_t end = 0;
    friend bool operator==(const Stretch&, const Stretch&) = default;
  };

  /// Takes the probability of the next hop; gives the stretch that it showed to be over, without
  /// padding and however short.
  std::optional<Stretch> push(float probability);
  /// The stretch that the end of the sound cuts off, if speech was on.
  std::optional<Stretch> finish(int64_t samples);

  bool speaking() const { return speaking_; }
  /// Samples from the last one that may be speech up to now, while the gate waits for the silence
  /// to be long enough; 0 otherwise.
  int64_t silent_samples() const { return silence_from_ ? now_ - *silence_from_ : 0; }

 private:
  VadOptions options_;
  int64_t now_ = 0;  // first sample of the next hop
  bool speaking_ = false;
  int64_t first_ = 0;
  std::optional<int64_t> silence_from_;
};

/// The padded stretches of a whole recording of `samples` samples, ascending and disjoint.
std::vector<SpeechGate::Stretch> speech_stretches(std::span<const float> probabilities,
                                                  int64_t samples, const VadOptions& options);

}  // namespace tenwatt::hearing
