#include "text/tokenizer.h"

#include <utility>

#include "text/byte_bpe.h"
#include "text/unicode.h"

namespace tenwatt::text {
namespace {

bool is_control(TokenType type) {
  return type == TokenType::kControl || type == TokenType::kUnknown;
}

}  // namespace

std::string Tokenizer::decode(std::span<const TokenId> ids, ControlTokens control) const {
  std::string out;
  for (const TokenId id : ids) {
    if (control == ControlTokens::kHide && is_control(type(id))) continue;
    out += piece(id);
  }
  return out;
}

Result<std::unique_ptr<Tokenizer>> make_tokenizer(TokenizerSpec spec) {
  if (spec.model != "gpt2") {
    return fail(ErrorCode::kUnsupported, "tokeniser kind '" + spec.model + "' is not built",
                "Use a model with byte-level BPE (tokenizer.ggml.model = gpt2).");
  }
  return make_byte_bpe(std::move(spec));
}

std::string StreamingDecoder::push(TokenId id) {
  if (control_ == ControlTokens::kHide && is_control(tokenizer_.type(id))) return {};
  held_ += tokenizer_.piece(id);
  const size_t ready = held_.size() - incomplete_tail(held_);
  std::string out = held_.substr(0, ready);
  held_.erase(0, ready);
  return out;
}

std::string StreamingDecoder::finish() { return std::exchange(held_, {}); }

}  // namespace tenwatt::text
