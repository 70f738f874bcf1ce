#include "text/sentence_splitter.h"

#include <algorithm>
#include <array>

#include "text/abbreviations.h"
#include "text/unicode.h"

namespace tenwatt::text {
namespace {

constexpr size_t kMarks = 64;  // how long a run of marks or spaces is followed

bool is_white(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

bool is_blank(std::string_view text) { return std::ranges::all_of(text, is_white); }

constexpr std::array<std::string_view, 4> kStops = {".", "!", "?", "…"};
constexpr std::array<std::string_view, 4> kWideStops = {"。", "！", "？", "｡"};
constexpr std::array<std::string_view, 5> kClauseMarks = {",", ";", ":", "—", "–"};
constexpr std::array<std::string_view, 12> kClosers = {"\"", "'", ")",  "]",  "}",  "”",
                                                       "’",  "»", "）", "」", "』", "*"};

/// The bytes of the mark that `text` opens with, 0 for none.
template <size_t N>
size_t opens_with(std::string_view text, const std::array<std::string_view, N>& marks) {
  for (const std::string_view mark : marks) {
    if (text.starts_with(mark)) return mark.size();
  }
  return 0;
}

/// What is known about a boundary at one place.
struct Verdict {
  enum Kind { kNo, kUnknown, kYes } kind = kNo;
  size_t end = 0;  // kYes: where the next piece begins
  Boundary boundary = Boundary::kSentence;
};

constexpr Verdict kUnknown = {Verdict::kUnknown};

class Judge {
 public:
  Judge(std::string_view text, bool complete, bool is_first, const SplitterOptions& options)
      : text_(text), complete_(complete), is_first_(is_first), options_(options) {}

  /// Whether a piece ends at the character at `at`.
  Verdict at(size_t at) const {
    const std::string_view rest = text_.substr(at);
    if (rest[0] == '\n') {
      if (is_blank(text_.substr(0, at))) return {};
      return {Verdict::kYes, at + 1, Boundary::kLine};
    }
    if (!complete_ && incomplete_tail(rest) == rest.size()) return kUnknown;
    const Verdict verdict = mark(at);
    if (verdict.kind != Verdict::kNo || at < options_.longest) return verdict;
    return {Verdict::kYes, cut_before(at), Boundary::kLength};
  }

 private:
  bool knows(size_t at) const {
    return complete_ ||
           (at < text_.size() && incomplete_tail(text_.substr(at)) + at < text_.size());
  }

  template <size_t N>
  size_t skip(size_t from, const std::array<std::string_view, N>& marks) const {
    const size_t limit = from + kMarks;
    while (from < std::min(text_.size(), limit)) {
      const size_t mark = opens_with(text_.substr(from), marks);
      if (mark == 0) break;
      from += mark;
    }
    return from;
  }

  Verdict mark(size_t at) const {
    const std::string_view rest = text_.substr(at);
    if (opens_with(rest, kStops) > 0 || opens_with(rest, kWideStops) > 0) return stop(at);
    if (const size_t bytes = opens_with(rest, kClauseMarks)) return clause(at, bytes);
    return {};
  }

  bool follows_stop(size_t at) const {
    const std::string_view before = text_.substr(0, at);
    return std::ranges::any_of(kStops, [&](std::string_view s) { return before.ends_with(s); });
  }

  Verdict stop(size_t at) const {
    if (follows_stop(at)) return {};  // judged with the first of its run
    const size_t plain = skip(at, kStops);
    const size_t wide = skip(plain, kWideStops);
    const size_t closed = skip(wide, kClosers);
    if (!knows(wide) || !knows(closed)) return kUnknown;
    if (closed >= text_.size()) return {};
    if (wide > plain) return {Verdict::kYes, closed, Boundary::kSentence};
    if (!is_white(text_[closed])) return {};
    const Verdict yes = {Verdict::kYes, closed + 1, Boundary::kSentence};
    const std::string_view marks = text_.substr(at, plain - at);
    if (marks == ".") {
      const std::string_view word = word_before(at);
      if (is_list_number(word, at)) return {};
      const Abbreviation kind = abbreviation(word);
      if (kind == Abbreviation::kBeforeWord) return {};
      if (kind == Abbreviation::kNone && closed == plain) return yes;
    } else if (marks.size() == 1 && closed == plain) {
      return yes;
    }
    return unless_lower_case_follows(closed, yes);
  }

  /// After "...", a closing quote or "etc." the sentence goes on if a small letter follows.
  Verdict unless_lower_case_follows(size_t from, Verdict yes) const {
    for (size_t i = from; i < from + kMarks; ++i) {
      if (!knows(i)) return kUnknown;
      if (i >= text_.size() || text_[i] == '\n') return yes;
      if (is_white(text_[i])) continue;
      return is_lower(decode_first(text_.substr(i)).value) ? Verdict{} : yes;
    }
    return yes;
  }

  Verdict clause(size_t at, size_t mark) const {
    const size_t length = at + mark;
    const bool may_end =
        (is_first_ && length >= options_.first_clause) || length >= options_.any_clause;
    if (!may_end) return {};
    if (!knows(length)) return kUnknown;
    if (length >= text_.size() || !is_white(text_[length])) return {};
    return {Verdict::kYes, length + 1, Boundary::kClause};
  }

  std::string_view word_before(size_t at) const {
    size_t begin = at;
    while (begin > 0 && at - begin < 16) {
      const char c = text_[begin - 1];
      if (is_white(c) || std::string_view("([{\"'").contains(c)) break;
      --begin;
    }
    return text_.substr(begin, at - begin);
  }

  /// "1." at the start of a piece.
  bool is_list_number(std::string_view word, size_t at) const {
    return !word.empty() && word.size() <= 3 && std::ranges::all_of(word, is_digit) &&
           is_blank(text_.substr(0, at - word.size()));
  }

  /// Where a piece that is too long is cut: after its last space, else before this character.
  size_t cut_before(size_t at) const {
    const size_t space = text_.substr(0, at).find_last_of(" \t");
    return space == std::string_view::npos || space < at / 2 ? at : space + 1;
  }

  std::string_view text_;
  bool complete_;
  bool is_first_;
  const SplitterOptions& options_;
};

}  // namespace

void SentenceSplitter::run(Input input, std::vector<SpokenPiece>& out) {
  size_t begin = 0;
  while (begin + scanned_ < held_.size()) {
    const std::string_view text = std::string_view(held_).substr(begin);
    const Judge judge(text, input == Input::kComplete, is_first_, options_);
    const Verdict verdict = judge.at(scanned_);
    if (verdict.kind == Verdict::kUnknown) break;
    if (verdict.kind == Verdict::kNo) {
      scanned_ += decode_first(text.substr(scanned_)).bytes;
      continue;
    }
    const std::string_view piece = text.substr(0, verdict.end);
    out.push_back({std::string(piece), verdict.boundary});
    is_first_ = is_first_ && is_blank(piece);
    begin += verdict.end;
    scanned_ = 0;
  }
  held_.erase(0, begin);
}

std::vector<SpokenPiece> SentenceSplitter::push(std::string_view text) {
  held_ += text;
  std::vector<SpokenPiece> out;
  run(Input::kMayGrow, out);
  return out;
}

std::vector<SpokenPiece> SentenceSplitter::finish() {
  std::vector<SpokenPiece> out;
  run(Input::kComplete, out);
  if (!held_.empty()) out.push_back({std::move(held_), Boundary::kEnd});
  *this = SentenceSplitter(options_);
  return out;
}

std::vector<SpokenPiece> split_sentences(std::string_view text, SplitterOptions options) {
  SentenceSplitter splitter(options);
  std::vector<SpokenPiece> pieces = splitter.push(text);
  for (SpokenPiece& rest : splitter.finish()) pieces.push_back(std::move(rest));
  return pieces;
}

}  // namespace tenwatt::text
