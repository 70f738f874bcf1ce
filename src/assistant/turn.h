// One turn of conversation: think and speak, the answer leaving for the voice clause by clause
// while it is still being written, with an account of where the time went.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "decoding/generate.h"
#include "speaking/speech.h"
#include "speaking/synthesizer.h"
#include "text/phonemizer_process.h"
#include "thinking/conversation.h"

namespace tenwatt::assistant {

/// Seconds of each stage. `clock` starts when the question is complete.
struct Account {
  double first_token_seconds = 0;  ///< from the start of thinking
  double generate_seconds = 0;
  double first_audio_seconds = 0;  ///< on the turn's clock
  double speak_seconds = 0;
  double audio_out_seconds = 0;
  int64_t prompt_tokens = 0;
  int64_t generated_tokens = 0;
};

struct Reply {
  std::string text;    ///< as the model wrote it
  std::string spoken;  ///< as it was sent to the voice
  decoding::StopReason stop = decoding::StopReason::kEndOfText;
  Account account;
};

/// What thinks and speaks. `synthesizer` may be null: then nothing is spoken.
struct TurnParts {
  thinking::Conversation& conversation;
  const speaking::Synthesizer* synthesizer = nullptr;
  text::PhonemizerProcess& phonemizer;
};

struct TurnOptions {
  decoding::GenerateOptions generate;
  speaking::SpeechOptions speech;
};

/// What a listener is told as it happens; both may be empty.
struct TurnListener {
  std::function<decoding::Continue(std::string_view)> on_text;
  speaking::Synthesizer::Sink on_samples;
};

/// Answers a question. `clock` was started when the question was complete. A failure of the voice
/// or of a listener stops the answer.
Result<Reply> answer(std::string_view question, const TurnParts& parts, const TurnOptions& options,
                     const TurnListener& listener, const Stopwatch& clock);

}  // namespace tenwatt::assistant
