// A conversation as the text that a model was trained to continue. ChatML is built in, with the
// system message that some models' templates put in front; other templates are refused by name.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace tenwatt::text {

struct ChatMessage {
  std::string role;  ///< "system", "user" or "assistant"
  std::string content;
};

/// Whether the text ends with the opening of the assistant's turn.
enum class GenerationPrompt { kAdd, kLeaveOut };

/// Renders messages in the ChatML layout. The result holds control tokens by their spelling:
/// tokenise it with SpecialText::kParse. Immutable.
class ChatTemplate {
 public:
  /// What a file's tokenizer.chat_template asks for; none (absent or empty) means plain ChatML.
  /// kUnsupported, with the family's name where it is known, for anything that isn't ChatML.
  static Result<ChatTemplate> from_source(std::string_view jinja_source);

  std::string render(std::span<const ChatMessage> messages, GenerationPrompt prompt) const;

  /// Put in front of conversations that don't open with a system message.
  const std::optional<std::string>& default_system() const { return default_system_; }

 private:
  std::optional<std::string> default_system_;
};

}  // namespace tenwatt::text
