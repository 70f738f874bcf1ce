#include "text/special_tokens.h"

#include <algorithm>
#include <queue>

namespace tenwatt::text {
namespace {

uint64_t edge(uint32_t node, char byte) { return uint64_t{node} << 8 | static_cast<uint8_t>(byte); }

}  // namespace

SpecialTokens::SpecialTokens(const TokenizerSpec& spec) {
  for (size_t i = 0; i < spec.types.size() && i < spec.tokens.size(); ++i) {
    const TokenType type = spec.types[i];
    const bool control = type == TokenType::kControl || type == TokenType::kUnknown;
    if (!control && type != TokenType::kUserDefined) continue;
    if (!spec.tokens[i].empty()) add(spec.tokens[i], {static_cast<TokenId>(i), control});
  }
}

void SpecialTokens::add(std::string_view spelling, End end) {
  uint32_t node = 0;
  for (const char byte : spelling) {
    const auto [child, is_new] = children_.try_emplace(edge(node, byte), nodes_);
    nodes_ += is_new ? 1 : 0;
    node = child->second;
  }
  ends_.try_emplace(node, end);
}

std::optional<SpecialTokens::Match> SpecialTokens::longest_at(std::string_view text, size_t at,
                                                              size_t most,
                                                              SpecialText special) const {
  std::optional<Match> longest;
  uint32_t node = 0;
  const size_t limit = std::min(most, text.size() - at);
  for (size_t length = 1; length <= limit; ++length) {
    const auto child = children_.find(edge(node, text[at + length - 1]));
    if (child == children_.end()) break;
    node = child->second;
    const auto end = ends_.find(node);
    if (end == ends_.end()) continue;
    if (end->second.control && special == SpecialText::kPlain) continue;
    longest = Match{at, length, end->second.id};
  }
  return longest;
}

// Each place offers its longest token. The longest of all offers is taken, unless a token that was
// taken before begins in it or ends in it; where it is only too long, its place offers a shorter
// one.
std::vector<SpecialTokens::Match> SpecialTokens::matches(std::string_view text,
                                                         SpecialText special) const {
  const auto later = [](const Match& a, const Match& b) {
    if (a.length != b.length) return a.length < b.length;
    return a.id != b.id ? a.id > b.id : a.at > b.at;
  };
  std::priority_queue<Match, std::vector<Match>, decltype(later)> offers(later);
  for (size_t at = 0; at < text.size(); ++at) {
    if (const auto match = longest_at(text, at, text.size(), special)) offers.push(*match);
  }
  std::vector<Match> taken;
  if (offers.empty()) return taken;
  std::vector<bool> covered(text.size());
  while (!offers.empty()) {
    const Match match = offers.top();
    offers.pop();
    if (covered[match.at]) continue;
    // What was taken before is at least as long, so it can't lie strictly inside.
    if (covered[match.at + match.length - 1]) {
      const auto shorter = longest_at(text, match.at, match.length - 1, special);
      if (shorter) offers.push(*shorter);
      continue;
    }
    std::fill_n(covered.begin() + static_cast<ptrdiff_t>(match.at), match.length, true);
    taken.push_back(match);
  }
  std::ranges::sort(taken, {}, &Match::at);
  return taken;
}

std::vector<Fragment> SpecialTokens::cut(std::string_view text, SpecialText special) const {
  std::vector<Fragment> fragments;
  size_t done = 0;
  for (const Match& match : matches(text, special)) {
    if (done < match.at) fragments.push_back({text.substr(done, match.at - done), {}});
    fragments.push_back({text.substr(match.at, match.length), match.id});
    done = match.at + match.length;
  }
  if (done < text.size()) fragments.push_back({text.substr(done), {}});
  return fragments;
}

}  // namespace tenwatt::text
