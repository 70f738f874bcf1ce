#include "text/special_tokens.h"

#include <algorithm>

namespace tenwatt::text {
namespace {

void cut_one(std::string_view text, std::string_view spelling, TokenId id,
             std::vector<Fragment>& out) {
  for (size_t found = text.find(spelling); found != std::string_view::npos;
       found = text.find(spelling)) {
    if (found > 0) out.push_back({text.substr(0, found), {}});
    out.push_back({text.substr(found, spelling.size()), id});
    text.remove_prefix(found + spelling.size());
  }
  if (!text.empty()) out.push_back({text, {}});
}

}  // namespace

SpecialTokens::SpecialTokens(const TokenizerSpec& spec) {
  for (size_t i = 0; i < spec.types.size() && i < spec.tokens.size(); ++i) {
    const TokenType type = spec.types[i];
    const bool control = type == TokenType::kControl || type == TokenType::kUnknown;
    if (!control && type != TokenType::kUserDefined) continue;
    if (spec.tokens[i].empty()) continue;
    entries_.push_back({spec.tokens[i], static_cast<TokenId>(i), control});
  }
  std::ranges::stable_sort(entries_, std::ranges::greater{},
                           [](const Entry& entry) { return entry.spelling.size(); });
}

std::vector<Fragment> SpecialTokens::cut(std::string_view text, SpecialText special) const {
  std::vector<Fragment> fragments;
  if (!text.empty()) fragments.push_back({text, {}});
  for (const Entry& entry : entries_) {
    if (entry.control && special == SpecialText::kPlain) continue;
    const bool found = std::ranges::any_of(fragments, [&](const Fragment& fragment) {
      return !fragment.token && fragment.text.contains(entry.spelling);
    });
    if (!found) continue;
    std::vector<Fragment> finer;
    for (const Fragment& fragment : fragments) {
      if (fragment.token) {
        finer.push_back(fragment);
      } else {
        cut_one(fragment.text, entry.spelling, entry.id, finer);
      }
    }
    fragments = std::move(finer);
  }
  return fragments;
}

}  // namespace tenwatt::text
