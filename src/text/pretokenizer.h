// Cuts text into the pieces within which byte-level BPE merges. Each family of models has its own
// regular expressions; here they are small scanners over Unicode classes, one table row a family
// (facts: the regexes of tokenizer.ggml.pre). A step re-cuts every piece of the step before it,
// and what a step does not match stays as a piece too, so no byte is lost.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/unicode.h"

namespace tenwatt::text {

/// A character of the text being cut.
struct Char {
  char32_t value = 0;
  size_t offset = 0;  ///< of its first byte
  CharClass kind = CharClass::kOther;
};

/// The length in characters of the match at the start of `rest` (never empty), 0 for none.
using Scanner = size_t (*)(std::span<const Char> rest);

/// One family: the steps it cuts by and the habits that come with its name.
struct PreTokenizer {
  std::span<const Scanner> steps;
  bool whole_piece_first = false;  ///< a piece that is a token is taken without merging
  bool adds_bos = false;           ///< unless the file says otherwise
};

/// The family of a tokenizer.ggml.pre name, or kUnsupported with the list of known names.
Result<const PreTokenizer*> find_pre_tokenizer(std::string_view name);

/// The pieces of `text`, in order; together they are `text`.
std::vector<std::string_view> split_pieces(const PreTokenizer& pre, std::string_view text);

}  // namespace tenwatt::text
