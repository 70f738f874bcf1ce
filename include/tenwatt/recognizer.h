// A recogniser: sound to text.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tenwatt/runtime.h"

namespace tenwatt {

/// How speech is heard. The defaults are Whisper's own.
struct TranscribeOptions {
  std::string language = "en";  ///< a code of Whisper's; "auto" detects it
  std::string prompt = {};      ///< text that the recording follows: names, spelling, style
  float temperature = 0;        ///< of the first try; 0: the most probable text
  bool fallback = true;         ///< try higher temperatures where the text looks wrong
  bool context = true;          ///< condition on the text before
  bool timestamps = true;
  bool voice_activity = false;         ///< leave out what is not speech
  bool translate = false;              ///< into English; multilingual models only
  uint64_t seed = 0;                   ///< of the sampling above temperature 0
  const CancelFlag* cancel = nullptr;  ///< ends the call with kCancelled
};

/// A stretch of the recording between two timestamps of the model.
struct TranscriptSegment {
  int64_t seek = 0;  ///< first mel frame (10 ms) of the window it was heard in
  double start = 0;  ///< seconds from the recording's beginning
  double end = 0;
  std::string text;                    ///< UTF-8, usually with a space in front
  std::vector<int32_t> tokens;         ///< of the model's vocabulary, timestamps included
  double average_log_probability = 0;  ///< per token, natural logarithm
  double no_speech_probability = 0;
  double compression_ratio = 0;  ///< of the text by deflate; high where it repeats itself
  double temperature = 0;        ///< that this text was accepted at
};

/// What was heard in a recording.
struct Transcript {
  std::string language;             ///< code
  double language_probability = 1;  ///< 1 for a language that was given
  double audio_seconds = 0;         ///< of the whole recording
  std::string text;                 ///< of all segments, trimmed
  std::vector<TranscriptSegment> segments;
  double wall_seconds = 0;
  double encode_seconds = 0;
  double decode_seconds = 0;
};

/// Told each segment once it is final.
using OnSegment = std::function<void(const TranscriptSegment&)>;

/// A Whisper model, ready to listen. Shared and thread-safe; each call is on its own.
class Recognizer {
 public:
  /// Catalogue name, folder of a Whisper model as CTranslate2 or the hub has it, or a .bin file of
  /// whisper.cpp.
  /// kModelMissing, kCorrupt, kUnsupported, or kInvalidArgument for the name of something else.
  static Result<std::shared_ptr<Recognizer>> open(std::shared_ptr<Runtime> runtime,
                                                  const std::string& name_or_path);
  ~Recognizer();

  /// Samples at 16 kHz, mono, in [-1, 1]; any length. kInvalidArgument for a language or task that
  /// the model doesn't have.
  Result<Transcript> transcribe(std::span<const float> speech, const TranscribeOptions& options,
                                const OnSegment& on_segment = {}) const;
  /// Encoder and decoder.
  std::vector<Placement> placement() const;
  /// What open() took.
  double load_seconds() const;

 private:
  struct Impl;
  explicit Recognizer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// A WAV or FLAC file of any rate and channel count as 16 kHz mono. kNotFound, kCorrupt,
/// kUnsupported or kOutOfRange for a file that is too long.
Result<std::vector<float>> read_speech(const std::string& path);

/// The transcript as a file's content: "txt", "srt", "vtt", "json", "csv" or "lrc".
/// kInvalidArgument for another format.
Result<std::string> format_transcript(const Transcript& transcript, const std::string& format);

/// Where somebody speaks, in seconds.
struct SpeechSpan {
  double start = 0;
  double end = 0;
};

/// Tells speech from what is not, by Silero VAD. Shared and thread-safe.
class VoiceActivity {
 public:
  /// Catalogue name or path of the ONNX file.
  static Result<std::shared_ptr<VoiceActivity>> open(
      std::shared_ptr<Runtime> runtime, const std::string& name_or_path = "silero-vad");
  ~VoiceActivity();
  /// The probability of speech for each 512 samples at 16 kHz, mono.
  Result<std::vector<float>> probabilities(std::span<const float> speech) const;
  /// The stretches to listen to, a little wider than the speech, in order.
  Result<std::vector<SpeechSpan>> spans(std::span<const float> speech) const;

 private:
  struct Impl;
  explicit VoiceActivity(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tenwatt
