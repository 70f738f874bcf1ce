// How the spoken filter decides: one step at a time at the front of the text that is not decided
// yet. A construct whose end is not in sight waits for more text; one that reaches too far counts
// as text. Only for the filter's implementation.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "text/spoken_filter.h"
#include "text/unicode.h"

namespace tenwatt::text {

/// Results of looking ahead, besides a position.
inline constexpr size_t kNone = std::string_view::npos;
inline constexpr size_t kMore = kNone - 1;

/// How far a tag, or the rest of a line that opens a fence, is looked through.
inline constexpr size_t kTag = 200;

inline bool is_blank(char c) { return c == ' ' || c == '\t'; }
inline bool is_break(char c) { return c == '\n' || c == '\r'; }

/// One decision at the front of the undecided text. Every function returns true when it has
/// consumed something, false when it has to see more.
struct FilterStep {
  SpokenFilter& f;
  bool complete;
  using Mode = SpokenFilter::Mode;
  using Before = SpokenFilter::Before;

  std::string_view rest() const { return std::string_view(f.held_).substr(f.at_); }

  bool skip(size_t bytes) {
    f.at_ += bytes;
    return true;
  }

  /// Puts other text in the place of the next `bytes`.
  bool replace(size_t bytes, const std::string& text) {
    f.held_.replace(f.at_, bytes, text);
    return true;
  }

  bool remove(size_t bytes) {
    f.removed_ = true;
    return skip(bytes);
  }

  /// The next position from `from` that passes `test`, on this line and within `limit` bytes.
  template <class Test>
  size_t look(size_t from, size_t limit, Test test) const {
    const std::string_view text = rest();
    for (size_t i = from; i < limit; ++i) {
      if (i >= text.size()) return complete ? kNone : kMore;
      if (test(text[i])) return i;
      if (is_break(text[i])) return kNone;
    }
    return kNone;
  }

  /// Where the bracket that opens at `from` closes.
  size_t look_closing(size_t from, size_t limit, char open, char close) const {
    int depth = 0;
    return look(from, limit, [&](char c) {
      depth += c == open ? 1 : c == close ? -1 : 0;
      return depth == 0;
    });
  }

  /// How many of `mark` stand at `from`; kMore if the end is not in sight.
  size_t run_of(char mark, size_t from) const {
    const std::string_view text = rest();
    const size_t end = std::min(text.find_first_not_of(mark, from), text.size());
    return end == text.size() && !complete ? kMore : end - from;
  }

  char byte(size_t index) const { return index < rest().size() ? rest()[index] : '\n'; }
  bool knows(size_t index) const { return complete || index < rest().size(); }

  // ---- output ----

  void emit(std::string_view text, Before kind);
  void space();
  void end_line();
  bool literal(size_t bytes);

  // ---- text that is left out ----

  bool inside_tag();
  bool inside_fence();
  bool fence_line();
  bool skip_word();

  // ---- the start of a line (spoken_lines.cc) ----

  bool line_start();
  bool text_starts();
  bool heading();
  bool fence();
  /// Rules, the underlines of headings, the ruling rows of tables; else a bullet or a table row.
  bool rule_or_bullet();
  /// "1. x" and "1) x" as "1, x", so that the number isn't taken for a sentence.
  bool numbered();

  // ---- within a line (spoken_inline.cc) ----

  /// The extent of `[text](address)`, `[text][name]` or a footnote that starts at `from`.
  struct Link {
    size_t text_end = kNone;  // kNone: no link; kMore: can't be told yet
    size_t end = 0;
    bool is_note = false;
  };
  bool inline_text();
  bool code();
  bool emphasis();
  bool strike();
  Link find_link(size_t from) const;
  bool link();
  bool image();
  bool hide_until(std::string closing, size_t bytes);
  bool tag();
  bool known_tag(size_t end);
  bool entity();
  bool escape();
  /// 0 if an address starts here, kNone if not.
  size_t starts_address() const;
  bool address();
  bool character();

  // ---- all ----

  bool line_break();
  bool step();
};

}  // namespace tenwatt::text
