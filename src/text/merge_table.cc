#include "text/merge_table.h"

#include "text/byte_alphabet.h"
#include "text/pair_merging.h"
#include "text/unicode.h"

namespace tenwatt::text {
namespace {

uint64_t pair_key(Symbol left, Symbol right) { return uint64_t{left} << 32 | right; }

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

std::vector<Symbol> MergeTable::merge(std::string_view bytes) const {
  std::vector<Symbol> symbols;
  symbols.reserve(bytes.size());
  for (const char byte : bytes) symbols.push_back(byte_symbol(static_cast<uint8_t>(byte)));
  return merge_pairs<uint32_t>(std::move(symbols),
                               [this](Symbol left, Symbol right) -> std::optional<Merge> {
                                 const auto entry = merges_.find(pair_key(left, right));
                                 if (entry == merges_.end()) return std::nullopt;
                                 return entry->second;
                               });
}

}  // namespace tenwatt::text
