// The merges of a byte-pair encoding as integers: symbols are numbered, a pair of symbols has a
// priority and a result. Tokens keep their ids as symbol numbers; strings that merges need but the
// vocabulary lacks are numbered after them.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "text/pair_merging.h"
#include "text/tokenizer_spec.h"

namespace tenwatt::text {

using Symbol = uint32_t;

/// Immutable after `build`. Symbols below `token_count()` are token ids.
class MergeTable {
 public:
  /// kCorrupt for a merge line without two sides.
  static Result<MergeTable> build(const TokenizerSpec& spec);

  /// Merges one piece of bytes as far as the table goes; the lowest priority first, ties leftmost.
  /// O(n log n) in the bytes of the piece.
  std::vector<Symbol> merge(std::string_view bytes) const;

  /// The symbol of a whole spelling, or kNone.
  Symbol find(std::string_view spelling) const;

  Symbol byte_symbol(uint8_t byte) const { return bytes_[byte]; }
  Symbol token_count() const { return token_count_; }

  /// The characters of a symbol that is not a token.
  std::string_view extra_spelling(Symbol symbol) const { return extra_[symbol - token_count_]; }

  static constexpr Symbol kNone = 0xFFFFFFFF;

 private:
  using Merge = PairMerge<Symbol, uint32_t>;

  Symbol intern(std::string_view spelling);
  void add(Symbol left, Symbol right, Merge merge);
  void add_concatenations(const TokenizerSpec& spec);
  Status add_listed(const TokenizerSpec& spec);

  std::unordered_map<std::string, Symbol> symbols_;
  std::unordered_map<uint64_t, Merge> merges_;
  std::array<Symbol, 256> bytes_{};
  std::vector<std::string> extra_;
  Symbol token_count_ = 0;
};

}  // namespace tenwatt::text
