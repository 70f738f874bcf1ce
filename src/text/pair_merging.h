// The loop that every byte-pair encoding runs: the best pair of neighbours becomes one symbol,
// until no pair can. What a symbol is and which pairs merge is the caller's business. Neighbours
// are a linked list and possible merges a heap, so n symbols cost O(n log n) however they merge.
#pragma once

#include <cstdint>
#include <optional>
#include <queue>
#include <utility>
#include <vector>

namespace tenwatt::text {

/// What two neighbours become; the lowest rank merges first, of equal ones the leftmost.
template <typename Symbol, typename Rank>
struct PairMerge {
  Rank rank;
  Symbol result;
};

/// Merges `symbols` as far as `find(left, right)`, an optional PairMerge, goes. Ranks must have a
/// strict order (no NaN).
template <typename Rank, typename Symbol, typename Find>
std::vector<Symbol> merge_pairs(std::vector<Symbol> symbols, const Find& find) {
  constexpr int64_t kNoNode = -1;
  struct Node {
    Symbol symbol;
    int64_t previous, next;  ///< a node that was merged into its neighbour has no next
  };
  /// A merge that was possible when it was queued; stale once either side has changed.
  struct Candidate {
    Rank rank;
    int64_t at;
    Symbol left, right, result;
  };
  const auto later = [](const Candidate& a, const Candidate& b) {
    return a.rank != b.rank ? a.rank > b.rank : a.at > b.at;
  };

  if (symbols.size() < 2) return symbols;
  std::vector<Node> nodes;
  nodes.reserve(symbols.size());
  for (Symbol& symbol : symbols) {
    const auto at = static_cast<int64_t>(nodes.size());
    nodes.push_back({std::move(symbol), at - 1, at + 1});
  }
  nodes.back().next = kNoNode;

  std::priority_queue<Candidate, std::vector<Candidate>, decltype(later)> queue(later);
  const auto offer = [&](int64_t at) {
    if (at == kNoNode || nodes[at].next == kNoNode) return;
    const Symbol& left = nodes[at].symbol;
    const Symbol& right = nodes[nodes[at].next].symbol;
    if (const std::optional<PairMerge<Symbol, Rank>> merge = find(left, right)) {
      queue.push({merge->rank, at, left, right, merge->result});
    }
  };
  for (size_t i = 0; i + 1 < nodes.size(); ++i) offer(static_cast<int64_t>(i));

  while (!queue.empty()) {
    const Candidate best = queue.top();
    queue.pop();
    Node& left = nodes[best.at];
    if (left.next == kNoNode || left.symbol != best.left) continue;
    Node& right = nodes[left.next];
    if (right.symbol != best.right) continue;
    left.symbol = best.result;
    left.next = right.next;
    if (right.next != kNoNode) nodes[right.next].previous = best.at;
    right.next = kNoNode;
    offer(best.at);
    offer(left.previous);
  }

  symbols.clear();
  for (int64_t at = 0; at != kNoNode; at = nodes[at].next) {
    symbols.push_back(std::move(nodes[at].symbol));
  }
  return symbols;
}

}  // namespace tenwatt::text
