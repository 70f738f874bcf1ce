#include "thinking/conversation.h"

#include <algorithm>

#include "base/clock.h"

namespace tenwatt::thinking {

using text::TokenId;

Conversation::Conversation(std::shared_ptr<const LanguageEngine> engine,
                           text::ChatTemplate chat_template)
    : engine_(std::move(engine)),
      template_(std::move(chat_template)),
      sequence_(engine_->open_sequence()) {}

Result<Conversation> Conversation::open(std::shared_ptr<const LanguageEngine> engine,
                                        std::string system) {
  text::ChatTemplate chat_template = TENWATT_TRY(engine->chat_template());
  Conversation conversation(std::move(engine), std::move(chat_template));
  if (!system.empty()) conversation.messages_.push_back({"system", std::move(system)});
  return conversation;
}

Status Conversation::read(const std::vector<TokenId>& wanted, const std::atomic<bool>* cancel,
                          int64_t& tokens_read) {
  const size_t common =
      static_cast<size_t>(std::ranges::mismatch(held_, wanted).in1 - held_.begin());
  // At least one token is read anew, since its logits are needed.
  const size_t keep = std::min(common, wanted.size() - 1);
  TENWATT_TRY(sequence_.truncate(static_cast<int64_t>(keep)));
  held_.resize(keep);
  const std::span<const TokenId> fresh = std::span(wanted).subspan(keep);
  const auto appended = sequence_.append(fresh, cancel);
  const auto length = static_cast<size_t>(sequence_.length());
  held_.assign(wanted.begin(), wanted.begin() + static_cast<ptrdiff_t>(length));
  tokens_read = static_cast<int64_t>(fresh.size());
  return appended;
}

Result<Answer> Conversation::send(std::string_view message,
                                  const decoding::GenerateOptions& options, const OnText& on_text) {
  std::vector<text::ChatMessage> messages = messages_;
  messages.push_back({"user", std::string(message)});
  const std::vector<TokenId> wanted =
      text::encode(engine_->tokenizer(), template_.pieces(messages, text::GenerationPrompt::kAdd));
  const auto room = engine_->context() - static_cast<int64_t>(wanted.size());
  if (room < 1) {
    return fail(ErrorCode::kOutOfRange,
                "the conversation has " + std::to_string(wanted.size()) +
                    " tokens, and the model's context holds " + std::to_string(engine_->context()),
                "start anew (/reset), or raise the context");
  }
  Answer answer;
  const Stopwatch prefill;
  TENWATT_TRY(read(wanted, options.cancel, answer.prompt_tokens));
  answer.prefill_seconds = prefill.seconds();

  const Stopwatch decode;
  text::StreamingDecoder decoder(engine_->tokenizer());
  const auto tell = [&](const std::string& piece) {
    answer.text += piece;
    if (piece.empty() || !on_text) return decoding::Continue::kYes;
    return on_text(piece);
  };
  decoding::GenerateOptions limited = options;
  limited.max_tokens = std::min(options.max_tokens, room);
  answer.generated =
      TENWATT_TRY(decoding::generate(sequence_, engine_->tokenizer(), limited,
                                     [&](TokenId token) { return tell(decoder.push(token)); }));
  tell(decoder.finish());
  answer.decode_seconds = decode.seconds();
  held_.insert(held_.end(), answer.generated.tokens.begin(), answer.generated.tokens.end());
  held_.resize(std::min(held_.size(), static_cast<size_t>(sequence_.length())));
  messages_ = std::move(messages);
  messages_.push_back({"assistant", answer.text});
  return answer;
}

Status Conversation::reset() {
  std::erase_if(messages_,
                [](const text::ChatMessage& message) { return message.role != "system"; });
  return {};
}

Result<Conversation> Conversation::fork() const {
  Conversation copy(engine_, template_);
  copy.sequence_ = TENWATT_TRY(sequence_.fork());
  copy.held_ = held_;
  copy.messages_ = messages_;
  return copy;
}

}  // namespace tenwatt::thinking
