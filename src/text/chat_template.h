// A conversation as the text that a model was trained to continue. ChatML is built in, with the
// system message that some models' templates put in front; other templates are refused by name.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/tokenizer.h"

namespace tenwatt::text {

struct ChatMessage {
  std::string role;  ///< "system", "user" or "assistant"
  std::string content;
};

/// Whether the text ends with the opening of the assistant's turn.
enum class GenerationPrompt { kAdd, kLeaveOut };

/// A run of a rendered conversation. What people and models wrote is read as plain text, so a
/// message that spells a control token can't end its turn or open another's.
struct TemplatePiece {
  std::string text;
  SpecialText reading = SpecialText::kPlain;
};

/// Renders messages in the ChatML layout. Immutable.
class ChatTemplate {
 public:
  /// What a file's tokenizer.chat_template asks for; none (absent or empty) means plain ChatML.
  /// kUnsupported, with the family's name where it is known, for anything that isn't ChatML.
  static Result<ChatTemplate> from_source(std::string_view jinja_source);

  /// Whether the vocabulary has the marks that open and close turns. A base model's has not.
  static bool fits(const Tokenizer& tokenizer);

  std::vector<TemplatePiece> pieces(std::span<const ChatMessage> messages,
                                    GenerationPrompt prompt) const;
  /// The pieces' texts, one after the other: what the file's own template gives.
  std::string render(std::span<const ChatMessage> messages, GenerationPrompt prompt) const;

  /// Put in front of conversations that don't open with a system message.
  const std::optional<std::string>& default_system() const { return default_system_; }

 private:
  std::optional<std::string> default_system_;
};

/// The conversation's tokens, with the beginning token where the model asks for one.
std::vector<TokenId> encode(const Tokenizer& tokenizer, std::span<const TemplatePiece> pieces);

}  // namespace tenwatt::text
