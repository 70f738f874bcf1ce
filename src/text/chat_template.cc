#include "text/chat_template.h"

#include <array>

namespace tenwatt::text {
namespace {

constexpr std::string_view kOpen = "<|im_start|>";
constexpr std::string_view kClose = "<|im_end|>";

struct Mark {
  std::string_view text;
  std::string_view family;
};

/// Spellings that only one family's template has.
constexpr std::array kFamilies = {
    Mark{"<|start_header_id|>", "Llama 3"},
    Mark{"<start_of_turn>", "Gemma"},
    Mark{"[INST]", "Mistral or Llama 2"},
    Mark{"<|channel|>", "gpt-oss (Harmony)"},
    Mark{"<|start_of_role|>", "Granite"},
    Mark{"<｜User｜>", "DeepSeek"},
    Mark{"<|user|>", "Phi-3 or Zephyr"},
    Mark{"[gMASK]", "GLM"},
    Mark{"<|turn>", "Gemma 4"},
    Mark{"<|START_OF_TURN_TOKEN|>", "Command R"},
};

std::string_view family_of(std::string_view source) {
  for (const Mark& mark : kFamilies) {
    if (source.contains(mark.text)) return mark.family;
  }
  return "an unknown";
}

/// Two of the ways in which a template writes a line break: as itself and as \n.
std::string unescaped(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text.substr(at).starts_with("\\n")) {
      out += '\n';
      ++at;
    } else {
      out += text[at];
    }
  }
  return out;
}

/// The literal system turn of the template, if it has one: `<|im_start|>system NEWLINE ...
/// <|im_end|>` inside one string, under a condition that the first message isn't the system's.
std::optional<std::string> literal_system(std::string_view source) {
  const std::string text = unescaped(source);
  const std::string opening = std::string(kOpen) + "system\n";
  for (size_t at = text.find(opening); at != std::string::npos; at = text.find(opening, at + 1)) {
    const size_t begin = at + opening.size();
    const size_t end = text.find(kClose, begin);
    if (end == std::string::npos) return std::nullopt;
    const std::string content = text.substr(begin, end - begin);
    // A quote or a brace means that the content is computed, not written there.
    if (!content.empty() && content.find_first_of("'\"{}") == std::string::npos) return content;
  }
  return std::nullopt;
}

void append_turn(std::vector<TemplatePiece>& out, std::string_view role, std::string_view content) {
  out.push_back({std::string(kOpen), SpecialText::kParse});
  out.push_back({std::string(role) + '\n' + std::string(content), SpecialText::kPlain});
  out.push_back({std::string(kClose), SpecialText::kParse});
  out.push_back({"\n", SpecialText::kPlain});
}

}  // namespace

Result<ChatTemplate> ChatTemplate::from_source(std::string_view jinja_source) {
  ChatTemplate chat;
  if (jinja_source.empty()) return chat;
  if (!jinja_source.contains(kOpen) || !jinja_source.contains(kClose)) {
    return fail(ErrorCode::kUnsupported,
                "the chat template is " + std::string(family_of(jinja_source)) +
                    " template, and only ChatML is built in",
                "Use a model with a ChatML template, or `generate`, which applies none.");
  }
  chat.default_system_ = literal_system(jinja_source);
  return chat;
}

bool ChatTemplate::fits(const Tokenizer& tokenizer) {
  return tokenizer.find(kOpen) && tokenizer.find(kClose);
}

std::vector<TemplatePiece> ChatTemplate::pieces(std::span<const ChatMessage> messages,
                                                GenerationPrompt prompt) const {
  std::vector<TemplatePiece> out;
  if (default_system_ && !messages.empty() && messages[0].role != "system") {
    append_turn(out, "system", *default_system_);
  }
  for (const ChatMessage& message : messages) append_turn(out, message.role, message.content);
  if (prompt == GenerationPrompt::kAdd) {
    out.push_back({std::string(kOpen), SpecialText::kParse});
    out.push_back({"assistant\n", SpecialText::kPlain});
  }
  return out;
}

std::string ChatTemplate::render(std::span<const ChatMessage> messages,
                                 GenerationPrompt prompt) const {
  std::string out;
  for (const TemplatePiece& piece : pieces(messages, prompt)) out += piece.text;
  return out;
}

std::vector<TokenId> encode(const Tokenizer& tokenizer, std::span<const TemplatePiece> pieces) {
  std::vector<TokenId> ids = tokenizer.encode("", {.add = AddSpecial::kAsModelAsks});
  const bool begins = !ids.empty() && ids.front() == tokenizer.bos();
  ids.resize(begins ? 1 : 0);
  for (const TemplatePiece& piece : pieces) {
    const std::vector<TokenId> part = tokenizer.encode(piece.text, {.special = piece.reading});
    ids.insert(ids.end(), part.begin(), part.end());
  }
  return ids;
}

}  // namespace tenwatt::text
