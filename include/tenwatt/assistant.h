// One turn of conversation: a spoken or written question in, a written and spoken answer out, with
// an account of where the time went.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "tenwatt/model.h"
#include "tenwatt/recognizer.h"
#include "tenwatt/voice.h"

namespace tenwatt {

/// What an assistant is made of; models load when they are first needed.
struct AssistantOptions {
  std::string model = "smollm2-135m";
  std::string recognizer = "whisper-base";
  std::string voice = "en_US-joe-medium";
  std::string system = "You are a helpful voice assistant. Answer in one or two short sentences.";
};

/// Seconds of each stage. The clock starts when the question is complete.
struct TurnAccount {
  double audio_in_seconds = 0;
  double load_seconds = 0;  ///< models that this turn had to load
  double transcribe_seconds = 0;
  double first_token_seconds = 0;  ///< from the end of transcription
  double generate_seconds = 0;
  double first_audio_seconds = 0;  ///< from the end of the question to the first sample
  double speak_seconds = 0;
  double total_seconds = 0;
  double audio_out_seconds = 0;
  int64_t prompt_tokens = 0;
  int64_t generated_tokens = 0;
};

struct AskOptions {
  GenerateOptions generate;
  TranscribeOptions transcribe;
  SayOptions say;
  bool speak = true;
  std::string text_before;  ///< written text that comes before a spoken question
};

struct Turn {
  std::string question;
  std::string answer;  ///< as the model wrote it
  std::string spoken;  ///< as it was sent to the voice
  std::string stop;    ///< why the answer ended: "end", "length", "cancelled" or "caller"
  TurnAccount account;
};

/// Not thread-safe.
class Assistant {
 public:
  static Result<std::unique_ptr<Assistant>> create(std::shared_ptr<Runtime> runtime,
                                                   const AssistantOptions& options = {});
  ~Assistant();

  /// What listeners of a turn are told, as it happens. All may be empty.
  struct Listener {
    std::function<void(std::string_view)> on_question;
    OnText on_text;
    OnSamples on_samples;
  };
  Result<Turn> ask(std::string_view text, const AskOptions& options, const Listener& listener);
  /// Samples at 16 kHz, mono. kInvalidArgument if no speech is heard in them.
  Result<Turn> ask(std::span<const float> speech, const AskOptions& options,
                   const Listener& listener);

  /// The voice's rate; loads it.
  Result<int64_t> sample_rate();
  /// Forgets the conversation.
  Status reset();
  /// Loads all three models now.
  Status load();
  /// Every part of the models that are loaded.
  std::vector<Placement> placement() const;

 private:
  struct Impl;
  explicit Assistant(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tenwatt
