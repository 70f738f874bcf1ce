#include "text/vocabulary.h"

#include <algorithm>
#include <utility>

#include "text/end_of_generation.h"

namespace tenwatt::text {

VocabularyTokenizer::VocabularyTokenizer(const TokenizerSpec& spec, std::vector<std::string> pieces)
    : special_(spec),
      ends_(end_of_generation_tokens(spec)),
      types_(spec.types),
      pieces_(std::move(pieces)),
      bos_(spec.bos),
      eos_(spec.eos),
      adds_bos_(spec.add_bos.value_or(false) && spec.bos),
      adds_eos_(spec.add_eos.value_or(false) && spec.eos) {
  types_.resize(pieces_.size(), TokenType::kNormal);
}

std::vector<TokenId> VocabularyTokenizer::encode(std::string_view text,
                                                 EncodeOptions options) const {
  std::vector<TokenId> ids;
  const bool add = options.add == AddSpecial::kAsModelAsks;
  if (add && adds_bos_) ids.push_back(*bos_);
  for (const Fragment& fragment : special_.cut(text, options.special)) {
    if (fragment.token) {
      ids.push_back(*fragment.token);
    } else {
      encode_plain(fragment.text, ids);
    }
  }
  if (add && adds_eos_) ids.push_back(*eos_);
  return ids;
}

std::string_view VocabularyTokenizer::piece(TokenId id) const {
  return is_token(id) ? std::string_view(pieces_[id]) : std::string_view();
}

TokenType VocabularyTokenizer::type(TokenId id) const {
  return is_token(id) ? types_[id] : TokenType::kUnused;
}

bool VocabularyTokenizer::is_end_of_generation(TokenId id) const {
  return std::ranges::binary_search(ends_, id);
}

}  // namespace tenwatt::text
