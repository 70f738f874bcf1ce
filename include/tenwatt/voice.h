// A voice: text to sound.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tenwatt/runtime.h"

namespace tenwatt {

struct SayOptions {
  std::string speaker;         ///< name or number; empty: the voice's default
  float speed = 1;             ///< 2 is twice as fast
  std::optional<float> noise;  ///< both noise scales; 0 makes speech reproducible
  uint64_t seed = 0;
  bool whole = false;  ///< each sentence in one run instead of windows
  const CancelFlag* cancel = nullptr;
};

struct SayStats {
  double audio_seconds = 0;
  double wall_seconds = 0;
  double first_audio_seconds = 0;
  int64_t sentences = 0;
  std::vector<std::string> notices;  ///< phonemes that the voice lacks
};

/// Samples in [-1, 1], mono, first to last. An error stops the speech.
using OnSamples = std::function<Status(std::span<const float> samples)>;

/// Shared and thread-safe.
class Voice {
 public:
  /// Catalogue name or path of a Piper voice (NAME.onnx, with NAME.onnx.json beside it).
  static Result<std::shared_ptr<Voice>> open(std::shared_ptr<Runtime> runtime,
                                             const std::string& name_or_path);
  ~Voice();

  int64_t sample_rate() const;
  /// Speaks text; markdown, emoji and code are left out.
  Result<SayStats> say(std::string_view text, const SayOptions& options,
                       const OnSamples& on_samples) const;
  /// Speaks phoneme ids, as one sentence.
  Result<SayStats> say_ids(std::span<const int64_t> ids, const SayOptions& options,
                           const OnSamples& on_samples) const;
  /// text-encoder, flow and vocoder.
  std::vector<Placement> placement() const;
  double load_seconds() const;

  struct Impl;
  Impl& impl() const;

 private:
  explicit Voice(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Writes sound to a WAV file ("-": standard output) as it comes.
class SoundWriter {
 public:
  /// `format`: "wav" (16 bit), "f32" or "s16" (raw, little-endian).
  static Result<std::unique_ptr<SoundWriter>> open(const std::string& path,
                                                   const std::string& format, int64_t rate);
  virtual ~SoundWriter() = default;
  virtual Status write(std::span<const float> samples) = 0;
  /// Completes the file; without it the file may lack its length.
  virtual Status close() = 0;
};

}  // namespace tenwatt
