// English abbreviations that end in a full stop, for whoever must tell it from the end of a
// sentence.
#pragma once

#include <string_view>

namespace tenwatt::text {

enum class Abbreviation {
  kNone,
  kBeforeWord,  ///< always followed by more: "Dr.", "e.g."
  kAnywhere,    ///< may end a sentence too: "etc.", "Inc."
};

/// `word` is what stands before the full stop, in any case.
Abbreviation abbreviation(std::string_view word);

}  // namespace tenwatt::text
