// A conversation with a language model: messages in, answers out, with everything that has been
// read kept in the sequence's state, so that a turn costs only its new text.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "decoding/generate.h"
#include "decoding/sequence.h"
#include "thinking/language_engine.h"

namespace tenwatt::thinking {

struct Answer {
  std::string text;
  decoding::Generated generated;
  int64_t prompt_tokens = 0;  ///< read in this turn
  double prefill_seconds = 0;
  double decode_seconds = 0;
};

/// Not thread-safe.
class Conversation {
 public:
  /// kUnsupported if the model's chat template isn't built in. An empty system message leaves the
  /// choice to the template.
  static Result<Conversation> open(std::shared_ptr<const LanguageEngine> engine,
                                   std::string system);

  /// Pieces of whole characters; kNo stops the answer.
  using OnText = std::function<decoding::Continue(std::string_view)>;
  /// Answers a message. After an error or a cancelled prompt the conversation is as before; an
  /// answer that was stopped or cancelled stays as far as it was given.
  Result<Answer> send(std::string_view message, const decoding::GenerateOptions& options,
                      const OnText& on_text = {});

  const std::vector<text::ChatMessage>& history() const { return messages_; }
  /// Tokens that the sequence holds.
  int64_t tokens() const { return sequence_.length(); }
  /// Forgets all but the system message.
  Status reset();

  /// An independent conversation that goes on from here and shares what was read.
  Result<Conversation> fork() const;
  /// Messages and sequence as bytes, checksummed (saved_conversation.cc has the format).
  Result<std::string> save() const;
  /// kCorrupt for bytes that are damaged or of another model.
  static Result<Conversation> load(std::shared_ptr<const LanguageEngine> engine,
                                   std::string_view saved);

 private:
  Conversation(std::shared_ptr<const LanguageEngine> engine, text::ChatTemplate chat_template);

  /// Makes the sequence hold exactly `wanted`, reading only what follows the common prefix.
  Status read(const std::vector<text::TokenId>& wanted, const std::atomic<bool>* cancel,
              int64_t& tokens_read);

  std::shared_ptr<const LanguageEngine> engine_;
  text::ChatTemplate template_;
  decoding::Sequence sequence_;
  std::vector<text::TokenId> held_;  ///< the tokens that the sequence holds
  std::vector<text::ChatMessage> messages_;
};

}  // namespace tenwatt::thinking
