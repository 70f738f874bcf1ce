// Finds the spellings of special tokens in text before it is tokenised. User-defined tokens are
// always found; control tokens only where the caller wants them parsed, so that text from a user
// can't smuggle them in.
#pragma once

#include <optional>
#include <string>
#include <string_view>
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
  std::vector<Fragment> cut(std::string_view text, SpecialText special) const;

 private:
  struct Entry {
    std::string spelling;
    TokenId id;
    bool control;
  };
  std::vector<Entry> entries_;  // longest spelling first
};

}  // namespace tenwatt::text
