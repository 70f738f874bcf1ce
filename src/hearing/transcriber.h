// Whisper over a recording of any length: windows, fallbacks, context and language, after OpenAI's
// transcribe.py with the defaults of faster-whisper.
//
// The network is behind SpeechModel; what is here decides what it is asked and what of its answers
// is believed.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "audio/mel.h"
#include "base/random.h"
#include "base/result.h"
#include "hearing/token_model.h"
#include "hearing/transcript.h"
#include "hearing/whisper_decoder.h"
#include "hearing/whisper_rules.h"
#include "hearing/whisper_vocabulary.h"

namespace tenwatt::hearing {

enum class Task : uint8_t { kTranscribe, kTranslate };
/// Whether a window's prompt holds the text before it.
enum class Context : uint8_t { kNone, kPreviousText };

struct TranscribeOptions {
  std::string language = "auto";  ///< a code, an English name, or "auto"
  Task task = Task::kTranscribe;
  Timestamps timestamps = Timestamps::kOn;
  Context context = Context::kPreviousText;
  std::string prompt;  ///< text that the recording is taken to follow

  /// Tried in order until a result passes; the first alone is "no fallback".
  std::vector<float> temperatures = {0, 0.2F, 0.4F, 0.6F, 0.8F, 1.0F};
  int best_of = 5;
  uint64_t seed = 0;
  /// A result fails above this compression ratio or below this mean log-probability. A failing one
  /// is silence, and dropped, above this probability of no speech. Absent: not judged.
  std::optional<double> compression_ratio_threshold = 2.4;
  std::optional<double> logprob_threshold = -1.0;
  std::optional<double> no_speech_threshold = 0.6;
  /// Above this temperature the text isn't used as context.
  float context_temperature = 0.5F;

  /// Called with each segment as it is known, on the caller's thread.
  std::function<void(const Segment&)> on_segment;

  /// One greedy pass, everything believed: the flag --no-fallback.
  void without_fallback();
};

class Transcriber {
 public:
  Transcriber(std::unique_ptr<SpeechModel> model, WhisperVocabulary vocabulary)
      : model_(std::move(model)), vocabulary_(std::move(vocabulary)) {}

  /// The transcript of 16 kHz mono sound. Errors: kInvalidArgument (a language that the model does
  /// not know, no temperature), and those of the model. Not thread-safe.
  Result<Transcript> transcribe(std::span<const float> speech, const TranscribeOptions& options);

  const WhisperVocabulary& vocabulary() const { return vocabulary_; }

 private:
  std::unique_ptr<SpeechModel> model_;
  WhisperVocabulary vocabulary_;
};

}  // namespace tenwatt::hearing
