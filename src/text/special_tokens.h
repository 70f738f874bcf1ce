// Finds the spellings of special tokens in text before it is tokenised. User-defined tokens are
// always found; control tokens only where the caller wants them parsed, so that text from a user
// can't smuggle them in.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "text/tokenizer.h"

namespace tenwatt::text {

/// A token, or a stretch of plain text.
struct Fragment {
  std::string_view text;
  std::optional<TokenId> token;
};

class SpecialTokens {
 public:
  explicit SpecialTokens(const TokenizerSpec& spec);

  /// Cuts at every special token, the longest spelling first, each over what is still plain.
  /// O(n log n) in the bytes of the text, however many special tokens there are.
  std::vector<Fragment> cut(std::string_view text, SpecialText special) const;

 private:
  /// A spelling ends at this node of the tree.
  struct End {
    TokenId id;
    bool control;
  };
  struct Match {
    size_t at;
    size_t length;
    TokenId id;
  };

  void add(std::string_view spelling, End end);
  /// The longest token of at most `most` bytes that `text` has at `at`.
  std::optional<Match> longest_at(std::string_view text, size_t at, size_t most,
                                  SpecialText special) const;
  /// The tokens of a text in ascending order, none overlapping another.
  std::vector<Match> matches(std::string_view text, SpecialText special) const;

  /// The spellings as a tree of bytes: from node and byte to the next node. Node 0 is the root.
  std::unordered_map<uint64_t, uint32_t> children_;
  std::unordered_map<uint32_t, End> ends_;
  uint32_t nodes_ = 1;
};

}  // namespace tenwatt::text
