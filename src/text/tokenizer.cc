#include "text/tokenizer.h"

#include <array>
#include <utility>

#include "text/byte_bpe.h"
#include "text/sentencepiece.h"
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

namespace {

/// One row per value of tokenizer.ggml.model.
struct Kind {
  std::string_view name;
  std::string_view what;
  Result<std::unique_ptr<Tokenizer>> (*make)(TokenizerSpec);
};
constexpr std::array kKinds = {
    Kind{"gpt2", "byte-level BPE", make_byte_bpe},
    Kind{"llama", "SentencePiece", make_sentencepiece},
};

}  // namespace

Result<std::unique_ptr<Tokenizer>> make_tokenizer(TokenizerSpec spec) {
  TENWATT_TRY(check(spec));
  std::string known;
  for (const Kind& kind : kKinds) {
    if (kind.name == spec.model) return kind.make(std::move(spec));
    known +=
        (known.empty() ? "" : ", ") + std::string(kind.name) + " (" + std::string(kind.what) + ")";
  }
  return fail(ErrorCode::kUnsupported, "tokeniser kind '" + spec.model + "' is not built",
              "Use a model whose tokenizer.ggml.model is one of: " + known + ".");
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
