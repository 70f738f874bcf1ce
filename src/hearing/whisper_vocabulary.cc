#include "hearing/whisper_vocabulary.h"

#include "text/unicode.h"

namespace tenwatt::hearing {
using text::TokenId;

Result<WhisperVocabulary> WhisperVocabulary::of(text::TokenizerSpec spec) {
  WhisperVocabulary vocabulary;
  vocabulary.tokens =
      TENWATT_TRY(text::WhisperTokens::of_size(static_cast<int64_t>(spec.tokens.size())));
  vocabulary.tokenizer = TENWATT_TRY(text::make_tokenizer(std::move(spec)));
  vocabulary.suppressed = text::suppressed_tokens(*vocabulary.tokenizer, vocabulary.tokens);
  vocabulary.suppressed_first = vocabulary.tokenizer->encode(" ");
  vocabulary.suppressed_first.push_back(vocabulary.tokens.end_of_text);
  return vocabulary;
}

std::string WhisperVocabulary::text_of(std::span<const TokenId> ids) const {
  std::string bytes;
  for (TokenId id : ids) {
    if (tokens.is_text(id)) bytes += tokenizer->piece(id);
  }
  return valid_utf8(bytes);
}

std::string valid_utf8(std::string_view text) {
  constexpr char32_t kReplacement = 0xFFFD;
  std::string valid;
  while (!text.empty()) {
    const text::CodePoint point = text::decode_first(text);
    text::append_utf8(valid, point.value == text::kNotUtf8 ? kReplacement : point.value);
    text.remove_prefix(point.bytes);
  }
  return valid;
}

}  // namespace tenwatt::hearing
