// Phoneme ids to sound, with a Piper voice: encoder once per sentence, then flow and vocoder in
// exact windows, so that sound leaves as soon as the first window is done and no seam can be heard.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/result.h"
#include "engine/program.h"
#include "engine/windowed.h"
#include "models/piper.h"

namespace tenwatt::speaking {

struct SynthesizerOptions {
  /// Plans of the three parts; each lists its devices in order of preference.
  engine::PlanOptions text_encoder;
  engine::PlanOptions flow;
  engine::PlanOptions vocoder;
  std::shared_ptr<Team> team;
  std::string source;  ///< names the voice's file, for artifacts
  std::string artifact_folder;
  /// Frames of a window on devices that take fixed shapes only; elsewhere windows start small and
  /// grow. A frame is `hop` samples (11.6 ms at 22050 Hz).
  int64_t window = 128;
  /// Windows of devices that take fixed shapes only, for sentences shorter than `window`.
  std::vector<int64_t> buckets = {32, 64};
};

struct SpeechOptions {
  std::optional<float> noise_scale;  ///< default: the voice's own
  std::optional<float> noise_w;
  std::optional<float> length_scale;  ///< larger is slower
  int64_t speaker = 0;
  uint64_t seed = 0;
  const std::atomic<bool>* cancel = nullptr;
};

/// Whether a sentence is run in windows or whole; the samples are the same.
enum class Delivery : uint8_t { kStreamed, kWhole };

class Synthesizer {
 public:
  static Result<std::unique_ptr<Synthesizer>> open(const std::string& onnx_path,
                                                   SynthesizerOptions options);

  /// Samples in [-1, 1] at sample_rate(), in pieces, first to last. Thread-safe.
  using Sink = std::function<Status(std::span<const float> samples)>;
  Status speak(std::span<const int64_t> phoneme_ids, const SpeechOptions& options, const Sink& sink,
               Delivery delivery = Delivery::kStreamed) const;

  const files::PiperVoice& voice() const { return voice_; }
  int64_t sample_rate() const { return voice_.sample_rate; }
  const engine::Program& encoder() const { return *encoder_; }
  const engine::WindowedProgram& flow() const { return *flow_; }
  const engine::WindowedProgram& vocoder() const { return *vocoder_; }

 private:
  Synthesizer() = default;
  using Inputs = engine::WindowedProgram::Inputs;
  Result<Inputs> encode(std::span<const int64_t> ids, const SpeechOptions& options) const;
  Status run_windows(const Inputs& encoded, int64_t frames, const SpeechOptions& options,
                     const Sink& sink) const;
  Status run_whole(const Inputs& encoded, const SpeechOptions& options, const Sink& sink) const;

  files::PiperVoice voice_;
  std::string duration_noise_;
  std::string latent_noise_;
  std::string latent_;
  int64_t latent_channels_ = 0;
  std::shared_ptr<engine::Program> encoder_;
  std::shared_ptr<engine::WindowedProgram> flow_;
  std::shared_ptr<engine::WindowedProgram> vocoder_;
};

}  // namespace tenwatt::speaking
