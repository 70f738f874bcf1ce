// What the public Voice holds, and how speech is measured.
#pragma once

#include <memory>

#include "api/runtime_impl.h"
#include "speaking/speech.h"
#include "speaking/synthesizer.h"
#include "tenwatt/voice.h"

namespace tenwatt {

struct Voice::Impl {
  std::shared_ptr<Runtime> runtime;
  std::unique_ptr<speaking::Synthesizer> synthesizer;
  double load_seconds = 0;
};

Result<speaking::SpeechOptions> to_speech(const files::PiperVoice& voice,
                                          const SayOptions& options);

/// Passes samples on and notes when the first came and how many.
class SpeechMeter {
 public:
  SpeechMeter(int64_t rate, OnSamples next) : rate_(rate), next_(std::move(next)) {}

  /// Refers to the meter, which must stay where it is.
  speaking::Synthesizer::Sink sink() {
    return [this](std::span<const float> samples) -> Status {
      if (samples_ == 0 && !samples.empty()) first_ = watch_.seconds();
      samples_ += static_cast<int64_t>(samples.size());
      return next_ ? next_(samples) : Status();
    };
  }
  SayStats stats() const {
    SayStats stats;
    stats.audio_seconds = static_cast<double>(samples_) / static_cast<double>(rate_);
    stats.wall_seconds = watch_.seconds();
    stats.first_audio_seconds = first_;
    return stats;
  }

 private:
  int64_t rate_;
  OnSamples next_;
  Stopwatch watch_;
  int64_t samples_ = 0;
  double first_ = 0;
};

}  // namespace tenwatt
