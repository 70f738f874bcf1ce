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

struct TranscribeOptions {
  std::string language = "en";  ///< "auto" detects it
  std::string prompt;
  float temperature = 0;
  bool fallback = true;  ///< try higher temperatures where the text looks wrong
  bool context = true;   ///< condition on the text before
  bool timestamps = true;
  bool voice_activity = false;  ///< leave out what is not speech
  bool translate = false;       ///< into English; multilingual models only
  uint64_t seed = 0;            ///< of the sampling above temperature 0
  const CancelFlag* cancel = nullptr;
};

struct TranscriptSegment {
  int64_t seek = 0;  ///< first mel frame (10 ms) of the window it was heard in
  double start = 0;  ///< seconds
  double end = 0;
  std::string text;
  std::vector<int32_t> tokens;
  double average_log_probability = 0;
  double no_speech_probability = 0;
  double compression_ratio = 0;
  double temperature = 0;
};

struct Transcript {
  std::string language;
  double language_probability = 1;  ///< 1 for a language that was given
  double audio_seconds = 0;
  std::string text;
  std::vector<TranscriptSegment> segments;
  double wall_seconds = 0;
  double encode_seconds = 0;
  double decode_seconds = 0;
};

using OnSegment = std::function<void(const TranscriptSegment&)>;

/// Shared and thread-safe.
class Recognizer {
 public:
  /// Catalogue name or folder of a CTranslate2 Whisper model.
  static Result<std::shared_ptr<Recognizer>> open(std::shared_ptr<Runtime> runtime,
                                                  const std::string& name_or_path);
  ~Recognizer();

  /// Samples at 16 kHz, mono.
  Result<Transcript> transcribe(std::span<const float> speech, const TranscribeOptions& options,
                                const OnSegment& on_segment = {}) const;
  /// Encoder and decoder.
  std::vector<Placement> placement() const;
  double load_seconds() const;

 private:
  struct Impl;
  explicit Recognizer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// A WAV or FLAC file of any rate and channel count as 16 kHz mono.
Result<std::vector<float>> read_speech(const std::string& path);

/// The transcript as a file's content: "txt", "srt", "vtt", "json", "csv" or "lrc".
Result<std::string> format_transcript(const Transcript& transcript, const std::string& format);

/// Where speech is, by Silero VAD.
struct SpeechSpan {
  double start = 0;
  double end = 0;
};
class VoiceActivity {
 public:
  static Result<std::shared_ptr<VoiceActivity>> open(
      std::shared_ptr<Runtime> runtime, const std::string& name_or_path = "silero-vad");
  ~VoiceActivity();
  /// The probability of speech for each 512 samples at 16 kHz.
  Result<std::vector<float>> probabilities(std::span<const float> speech) const;
  Result<std::vector<SpeechSpan>> spans(std::span<const float> speech) const;

 private:
  struct Impl;
  explicit VoiceActivity(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tenwatt
