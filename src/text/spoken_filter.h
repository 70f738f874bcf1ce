// What of a model's answer is to be spoken: markdown's marks, code, emoji, thoughts, tool calls and
// control characters go, the words stay. Works on text that arrives in any pieces. Each decision
// depends on the text alone, never on where a piece ends (an undecided tail is held back, at most
// about 2 kB), so pieces and the whole give the same result.
#pragma once

#include <string>
#include <string_view>

namespace tenwatt::text {

/// What is done:
///  - headings, quotes, bullets, rules, emphasis: the marks go; "1. x" becomes "1, x"
///  - table rows: cells are joined by ", "; the ruling row goes
///  - links keep their text; images and footnotes go; bare addresses are read as their domain
///  - code blocks go; inline code stays if it reads as words, else it goes
///  - <think>, tool calls and the like go with their contents; HTML tags go, their text stays
///  - emoji and pictures, control characters and bytes that are not UTF-8 go
///  - spaces are joined to one, blank lines to one
/// Not thread-safe.
class SpokenFilter {
 public:
  /// The text that can be spoken now.
  std::string push(std::string_view text);

  /// What was held back; the filter is as new afterwards.
  std::string finish();

 private:
  friend struct FilterStep;

  enum class Input { kMayGrow, kComplete };
  enum class Mode { kText, kTag, kFence, kFenceLine, kSkipWord };
  enum class Before { kSpace, kDigit, kLetter, kOther };

  std::string run(Input input);

  std::string held_;  // input not yet decided
  size_t at_ = 0;     // how far into held_
  std::string out_;

  Mode mode_ = Mode::kText;
  std::string closing_;      // kTag: the text that ends it
  char fence_mark_ = '`';    // kFence: of what the fence is made
  size_t fence_length_ = 0;  // ... and how long it is at least

  bool line_start_ = true;
  bool after_return_ = false;  // the last character was \r
  Before before_ = Before::kSpace;

  bool wrote_ = false;          // anything at all
  bool wrote_on_line_ = false;  // ... on this line
  int newlines_ = 0;            // owed before the next character
  bool space_ = false;
  bool separator_ = false;  // a table cell ended
  bool removed_ = false;    // something was left out since the last character
};

/// The whole of a text at once.
std::string spoken_text(std::string_view text);

}  // namespace tenwatt::text
