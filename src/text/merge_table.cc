#include "text/merge_table.h"

#include <queue>

#include "text/byte_alphabet.h"
#include "text/unicode.h"

namespace tenwatt::text {
namespace {

uint64_t pair_key(Symbol left, Symbol right) { return uint64_t{left} << 32 | right; }

/// A link of the list of symbols that a piece is at some moment.
struct Node {
  Symbol symbol;
  int32_t previous;
  int32_t next;
};

/// A merge that was possible when it was queued; stale once either side has changed.
struct Candidate {
  uint32_t rank;
  int32_t at;
  Symbol left, right, result;
};

struct LaterFirst {
  bool operator()(const Candidate& a, const Candidate& b) const {
    return a.rank != b.rank ? a.rank > b.rank : a.at > b.at;
  }
};

}  // namespace

Result<MergeTable> MergeTable::build(const TokenizerSpec& spec) {
  MergeTable table;
  table.token_count_ = static_cast<Symbol>(spec.tokens.size());
  table.symbols_.reserve(spec.tokens.size());
  for (size_t id = 0; id < spec.tokens.size(); ++id) {
    table.symbols_[spec.tokens[id]] = static_cast<Symbol>(id);
  }
  for (int byte = 0; byte < 256; ++byte) {
    std::string spelling;
    append_utf8(spelling, byte_character(static_cast<uint8_t>(byte)));
    table.bytes_[byte] = table.intern(spelling);
  }
  if (spec.merge_rule == MergeRule::kConcatenation) {
    table.add_concatenations(spec);
  } else {
    TENWATT_TRY(table.add_listed(spec));
  }
  return table;
}

Symbol MergeTable::intern(std::string_view spelling) {
  const auto next = static_cast<Symbol>(token_count_ + extra_.size());
  const auto [entry, is_new] = symbols_.try_emplace(std::string(spelling), next);
  if (is_new) extra_.emplace_back(spelling);
  return entry->second;
}

void MergeTable::add(Symbol left, Symbol right, Merge merge) {
  merges_.try_emplace(pair_key(left, right), merge);
}

Status MergeTable::add_listed(const TokenizerSpec& spec) {
  merges_.reserve(spec.merges.size());
  for (size_t rank = 0; rank < spec.merges.size(); ++rank) {
    const std::string_view line = spec.merges[rank];
    // A side may itself begin with a space, so the separator is looked for from the second byte.
    const size_t space = line.find(' ', 1);
    if (space == std::string_view::npos) {
      return fail(ErrorCode::kCorrupt,
                  "tokeniser merge " + std::to_string(rank) + " has no two sides");
    }
    const std::string_view left = line.substr(0, space);
    const std::string_view right = line.substr(space + 1);
    const Symbol result = intern(std::string(left) + std::string(right));
    add(intern(left), intern(right), {static_cast<uint32_t>(rank), result});
  }
  return {};
}

void MergeTable::add_concatenations(const TokenizerSpec& spec) {
  for (size_t id = 0; id < spec.tokens.size(); ++id) {
    if (!spec.types.empty() && spec.types[id] != TokenType::kNormal) continue;
    const std::string_view whole = spec.tokens[id];
    for (size_t cut = 1; cut < whole.size(); ++cut) {
      const Symbol left = find(whole.substr(0, cut));
      const Symbol right = find(whole.substr(cut));
      if (left == kNone || right == kNone) continue;
      add(left, right, {static_cast<uint32_t>(id), static_cast<Symbol>(id)});
    }
  }
}

Symbol MergeTable::find(std::string_view spelling) const {
  const auto entry = symbols_.find(std::string(spelling));
  return entry == symbols_.end() ? kNone : entry->second;
}

const MergeTable::Merge* MergeTable::merge_of(Symbol left, Symbol right) const {
  const auto entry = merges_.find(pair_key(left, right));
  return entry == merges_.end() ? nullptr : &entry->second;
}

std::vector<Symbol> MergeTable::merge(std::string_view bytes) const {
  std::vector<Node> nodes;
  nodes.reserve(bytes.size());
  for (size_t i = 0; i < bytes.size(); ++i) {
    const auto at = static_cast<int32_t>(i);
    nodes.push_back({bytes_[static_cast<uint8_t>(bytes[i])], at - 1, at + 1});
  }
  if (nodes.empty()) return {};
  nodes.back().next = -1;

  std::priority_queue<Candidate, std::vector<Candidate>, LaterFirst> queue;
  const auto offer = [&](int32_t at) {
    if (at < 0 || nodes[at].next < 0) return;
    const Symbol left = nodes[at].symbol;
    const Symbol right = nodes[nodes[at].next].symbol;
    if (const Merge* merge = merge_of(left, right)) {
      queue.push({merge->rank, at, left, right, merge->result});
    }
  };
  for (size_t i = 0; i + 1 < nodes.size(); ++i) offer(static_cast<int32_t>(i));

  while (!queue.empty()) {
    const Candidate best = queue.top();
    queue.pop();
    Node& left = nodes[best.at];
    if (left.symbol != best.left || left.next < 0 || nodes[left.next].symbol != best.right)
      continue;
    Node& right = nodes[left.next];
    left.symbol = best.result;
    left.next = right.next;
    if (right.next >= 0) nodes[right.next].previous = best.at;
    right.symbol = kNone;
    offer(best.at);
    offer(left.previous);
  }

  std::vector<Symbol> out;
  for (int32_t at = 0; at >= 0; at = nodes[at].next) out.push_back(nodes[at].symbol);
  return out;
}

}  // namespace tenwatt::text
