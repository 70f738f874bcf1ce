#include "text/tokenizer_spec.h"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

namespace tenwatt::text {
namespace {

/// A vocabulary of more tokens than this is not one of a language model.
constexpr size_t kMostTokens = size_t{1} << 24;

Status check_lengths(const TokenizerSpec& spec) {
  const size_t count = spec.tokens.size();
  if (count == 0 || count > kMostTokens) {
    return fail(ErrorCode::kCorrupt,
                "tokeniser has " + std::to_string(count) + " tokens, expected 1 to 2^24");
  }
  if (!spec.types.empty() && spec.types.size() < count) {
    return fail(ErrorCode::kCorrupt, "tokeniser has fewer token types than tokens");
  }
  if (!spec.scores.empty() && spec.scores.size() < count) {
    return fail(ErrorCode::kCorrupt, "tokeniser has fewer scores than tokens");
  }
  if (std::ranges::any_of(spec.scores, [](float score) { return std::isnan(score); })) {
    return fail(ErrorCode::kCorrupt, "tokeniser has a score that is not a number");
  }
  return {};
}

Status check_ids(const TokenizerSpec& spec) {
  const std::pair<std::string_view, std::optional<TokenId>> ids[] = {
      {"bos", spec.bos},         {"eos", spec.eos},         {"eot", spec.eot},
      {"eom", spec.eom},         {"unknown", spec.unknown}, {"padding", spec.padding},
      {"fim_pad", spec.fim_pad}, {"fim_rep", spec.fim_rep}, {"fim_sep", spec.fim_sep}};
  for (const auto& [name, id] : ids) {
    if (!id) continue;
    if (*id >= 0 && static_cast<size_t>(*id) < spec.tokens.size()) continue;
    return fail(ErrorCode::kCorrupt, "tokeniser's " + std::string(name) + " id " +
                                         std::to_string(*id) + " is outside its vocabulary");
  }
  return {};
}

}  // namespace

Status check(const TokenizerSpec& spec) {
  TENWATT_TRY(check_lengths(spec));
  return check_ids(spec);
}

}  // namespace tenwatt::text
