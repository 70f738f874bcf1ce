// One turn of conversation: a spoken or written question in, a written and spoken answer out, with
// an account of where the time went.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tenwatt/model.h"
#include "tenwatt/recognizer.h"
#include "tenwatt/voice.h"

namespace tenwatt {

/// What an assistant is made of; models load when they are first needed.
struct AssistantOptions {
  /// Empty: qwen2.5-coder-0.5b, or smollm2-135m on a machine of less than 4 GB.
  std::string model = {};
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

/// How one turn is heard, thought and spoken. Each part has a cancel flag of its own; give all of
/// them the same to stop whatever runs.
struct AskOptions {
  GenerateOptions generate = {};
  TranscribeOptions transcribe = {};
  SayOptions say = {};
  bool speak = true;             ///< false: no voice is loaded and no sound is made
  std::string text_before = {};  ///< written text that comes before a spoken question
};

/// A question, its answer, and where the time went.
struct Turn {
  std::string question;  ///< as it was written or heard
  std::string answer;    ///< as the model wrote it
  std::string spoken;    ///< as it was sent to the voice
  std::string stop;      ///< why the answer ended: "end", "length", "cancelled" or "caller"
  TurnAccount account;
};

/// A conversation that listens and speaks. Not thread-safe; several may share one runtime.
class Assistant {
 public:
  /// Loads nothing yet: what is missing shows when it is first needed, or in load().
  static Result<std::unique_ptr<Assistant>> create(std::shared_ptr<Runtime> runtime,
                                                   const AssistantOptions& options = {});
  ~Assistant();

  /// What listeners of a turn are told, as it happens. All may be empty.
  struct Listener {
    std::function<void(std::string_view)> on_question;  ///< what was heard
    OnText on_text;                                     ///< pieces of the answer; false stops it
    OnSamples on_samples;                               ///< sound of the answer, at sample_rate()
  };
  /// Answers a written question. Errors are those of the parts: Chat::send and Voice::say.
  Result<Turn> ask(std::string_view text, const AskOptions& options, const Listener& listener);
  /// Answers a spoken question: samples at 16 kHz, mono. kInvalidArgument if no speech is heard in
  /// them.
  Result<Turn> ask(std::span<const float> speech, const AskOptions& options,
                   const Listener& listener);

  /// The voice's rate; loads it.
  Result<int64_t> sample_rate();
  /// The conversation so far, the system message included.
  std::vector<ChatMessage> history() const;
  /// Forgets the conversation, but not the system message.
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
