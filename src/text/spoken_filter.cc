#include "text/spoken_filter.h"

#include <algorithm>
#include <array>
#include <utility>

#include "text/spoken_marks.h"
#include "text/unicode.h"

namespace tenwatt::text {
namespace {

// How far a construct may reach. Beyond, its opening mark counts as text.
constexpr size_t kLinkText = 300;
constexpr size_t kAddress = 2000;
constexpr size_t kCode = 400;
constexpr size_t kTag = 200;
constexpr size_t kRule = 200;

/// Results of looking ahead, besides a position.
constexpr size_t kNone = std::string_view::npos;
constexpr size_t kMore = kNone - 1;

bool is_blank(char c) { return c == ' ' || c == '\t'; }
bool is_break(char c) { return c == '\n' || c == '\r'; }
bool is_word_byte(char c) { return is_ascii_letter(c) || is_digit(c) || (c & 0x80) != 0; }
bool is_ascii_punctuation(char c) {
  return c > ' ' && c < 127 && !is_ascii_letter(c) && !is_digit(c);
}

}  // namespace

/// One decision at the front of the undecided text. Every function returns true when it has
/// consumed something, false when it has to see more; `take*` functions decide their construct.
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

  void emit(std::string_view text, Before kind) {
    const bool closes = text.size() == 1 && std::string_view(".,;:!?)").contains(text[0]);
    if (f.newlines_ > 0 && f.wrote_) {
      f.out_ += f.newlines_ > 1 ? "\n\n" : "\n";
    } else if (f.separator_ && f.wrote_on_line_) {
      f.out_ += ", ";
    } else if (f.space_ && f.wrote_on_line_ && !(f.removed_ && closes)) {
      f.out_ += ' ';
    }
    f.out_ += text;
    f.newlines_ = 0;
    f.separator_ = f.space_ = f.removed_ = false;
    f.wrote_ = f.wrote_on_line_ = true;
    f.before_ = kind;
  }

  void space() {
    f.space_ = true;
    f.before_ = Before::kSpace;
  }

  void end_line() {
    f.newlines_ = std::min(f.newlines_ + 1, 2);
    f.line_start_ = true;
    f.space_ = f.separator_ = f.wrote_on_line_ = f.removed_ = false;
    f.before_ = Before::kSpace;
  }

  bool literal(size_t bytes) {
    emit(rest().substr(0, bytes), Before::kOther);
    return skip(bytes);
  }

  // ---- text that is left out ----

  bool inside_tag() {
    const std::string text = ascii_lower(rest());
    const size_t found = text.find(f.closing_);
    if (found != kNone) {
      f.mode_ = Mode::kText;
      return remove(found + f.closing_.size());
    }
    const size_t keep = complete ? 0 : std::min(text.size(), f.closing_.size() - 1);
    return text.size() > keep && remove(text.size() - keep);
  }

  bool inside_fence() {
    if (is_blank(byte(0)) || is_break(byte(0)) || byte(0) == '>') return skip(1);
    const size_t run = byte(0) == f.fence_mark_ ? run_of(f.fence_mark_, 0) : 0;
    if (run == kMore) return false;
    f.mode_ = run >= f.fence_length_ ? Mode::kText : Mode::kFenceLine;
    // After the closing fence its line break follows, which ends a line of text.
    f.line_start_ = true;
    return run == 0 || skip(run);
  }

  bool fence_line() {
    const size_t end = rest().find_first_of("\r\n");
    if (end == kNone) return skip(rest().size());
    f.mode_ = Mode::kFence;
    return skip(end);
  }

  bool skip_word() {
    const size_t end = rest().find_first_of(" \t\r\n");
    if (end == kNone) return skip(rest().size());
    f.mode_ = Mode::kText;
    return end == 0 || skip(end);
  }

  // ---- the start of a line ----

  bool line_start() {
    const char c = byte(0);
    if (is_blank(c)) return skip(1);
    if (c == '>') return remove(1);
    if (c == '#') return heading();
    if (c == '`' || c == '~') return fence();
    if (std::string_view("-*+=_:|").contains(c)) return rule_or_bullet();
    if (is_digit(c)) return numbered();
    for (const std::string_view bullet : {"•", "‣", "◦", "▪", "●", "○"}) {
      if (rest().starts_with(bullet)) return remove(bullet.size());
      if (!complete && bullet.starts_with(rest())) return false;
    }
    return text_starts();
  }

  bool text_starts() {
    f.line_start_ = false;
    return true;
  }

  bool heading() {
    const size_t run = run_of('#', 0);
    if (run == kMore) return false;
    if (run > 6 || !(is_blank(byte(run)) || is_break(byte(run)))) return text_starts();
    f.line_start_ = false;
    return remove(run);
  }

  bool fence() {
    const char mark = byte(0);
    const size_t run = run_of(mark, 0);
    if (run == kMore) return false;
    if (run < 3) return text_starts();
    if (mark == '`') {
      // A backtick later on the line makes it inline code.
      const size_t other = look(run, kTag, [](char c) { return c == '`'; });
      if (other == kMore) return false;
      if (other != kNone) return text_starts();
    }
    f.mode_ = Mode::kFenceLine;
    f.fence_mark_ = mark;
    f.fence_length_ = run;
    return remove(run);
  }

  /// Rules, the underlines of headings, the ruling rows of tables; else a bullet or a table row.
  bool rule_or_bullet() {
    const char mark = byte(0);
    const std::string_view marks = mark == '|' || mark == ':' ? "-:|+" : "-:|+=*_";
    size_t count = 0;
    const size_t other = look(0, kRule, [&](char c) {
      count += c == mark || c == '-' ? 1 : 0;
      return !is_blank(c) && !is_break(c) && !marks.contains(c);
    });
    if (other == kMore) return false;
    if (other == kNone && count >= 3) {
      const std::string_view rule = rest().substr(0, kRule);
      return remove(std::min(rule.find_first_of("\r\n"), rule.size()));
    }
    if (std::string_view("-*+").contains(mark) && is_blank(byte(1))) return remove(1);
    if (mark == '|') {
      f.line_start_ = false;
      return skip(1);
    }
    return text_starts();
  }

  /// "1. x" and "1) x" as "1, x", so that the number isn't taken for a sentence.
  bool numbered() {
    size_t digits = 1;
    while (digits < 4 && knows(digits) && is_digit(byte(digits))) ++digits;
    if (!knows(digits) || !knows(digits + 1)) return false;
    const bool is_item =
        digits < 4 && (byte(digits) == '.' || byte(digits) == ')') && is_blank(byte(digits + 1));
    f.line_start_ = false;
    if (!is_item) return true;
    emit(rest().substr(0, digits), Before::kDigit);
    emit(",", Before::kOther);
    return skip(digits + 1);
  }

  // ---- within a line ----

  bool inline_text() {
    switch (byte(0)) {
      case '`':
        return code();
      case '*':
      case '_':
        return emphasis();
      case '~':
        return strike();
      case '[':
        return link();
      case '!':
        return image();
      case '<':
        return tag();
      case '&':
        return entity();
      case '\\':
        return escape();
      case '|':
        f.separator_ = true;
        f.before_ = Before::kSpace;
        return skip(1);
      default:
        break;
    }
    if (const size_t known = starts_address(); known != kNone) {
      return known == kMore ? false : address();
    }
    return character();
  }

  bool code() {
    const size_t run = run_of('`', 0);
    if (run == kMore) return false;
    const std::string_view text = rest();
    for (size_t from = run;;) {
      const size_t found = look(from, kCode, [](char c) { return c == '`'; });
      if (found == kMore) return false;
      if (found == kNone) return remove(run);
      const size_t closing = run_of('`', found);
      if (closing == kMore) return false;
      from = found + closing;
      if (closing != run) continue;
      const std::string inner(text.substr(run, found - run));
      return reads_as_words(inner) ? replace(from, inner) : remove(from);
    }
  }

  bool emphasis() {
    const char mark = byte(0);
    const size_t run = run_of(mark, 0);
    if (run == kMore) return false;
    const char next = byte(run);
    const bool between_spaces =
        run == 1 && f.before_ == Before::kSpace && (is_blank(next) || is_break(next));
    const bool between_digits = f.before_ == Before::kDigit && is_digit(next);
    const bool in_word = f.before_ == Before::kLetter || f.before_ == Before::kDigit;
    const bool stays =
        mark == '*' ? between_spaces || between_digits : in_word && is_word_byte(next);
    if (stays) return literal(run);
    // Marks within a word don't part it: no trace of them is kept.
    return skip(run);
  }

  bool strike() {
    const size_t run = run_of('~', 0);
    if (run == kMore) return false;
    return run >= 2 ? skip(run) : literal(1);
  }

  /// The extent of `[text](address)`, `[text][name]` or a footnote that starts at `from`.
  struct Link {
    size_t text_end = kNone;  // kNone: no link; kMore: can't be told yet
    size_t end = 0;
    bool is_note = false;
  };

  Link find_link(size_t from) const {
    const size_t close = look_closing(from, from + kLinkText, '[', ']');
    if (close == kNone || close == kMore) return {close};
    const std::string_view inner = rest().substr(from + 1, close - from - 1);
    if (!knows(close + 1)) return {kMore};
    const char next = byte(close + 1);
    if (next == '(' || next == '[') {
      const size_t end = look_closing(close + 1, close + kAddress, next, next == '(' ? ')' : ']');
      if (end == kMore) return {kMore};
      if (end != kNone) return {close, end + 1};
    }
    const bool digits = !inner.empty() && std::ranges::all_of(inner, is_digit);
    const bool box = inner == " " || inner == "x" || inner == "X";
    if (digits || box || inner.starts_with('^')) return {close, close + 1, true};
    return {kNone};
  }

  bool link() {
    const Link found = find_link(0);
    if (found.text_end == kMore) return false;
    if (found.text_end == kNone) return literal(1);
    if (found.is_note) return remove(found.end);
    return replace(found.end, std::string(rest().substr(1, found.text_end - 1)));
  }

  bool image() {
    if (!knows(1)) return false;
    if (byte(1) != '[') return literal(1);
    const Link found = find_link(1);
    if (found.text_end == kMore) return false;
    return found.text_end == kNone || found.is_note ? literal(1) : remove(found.end);
  }

  bool hide_until(std::string closing, size_t bytes) {
    f.mode_ = Mode::kTag;
    f.closing_ = std::move(closing);
    return remove(bytes);
  }

  bool tag() {
    if (!knows(1)) return false;
    if (byte(1) == '|') {
      const size_t end = look(2, kTag, [](char c) { return c == '>'; });
      if (end == kMore) return false;
      return end != kNone && byte(end - 1) == '|' ? remove(end + 1) : literal(1);
    }
    if (byte(1) == '!') {
      if (!knows(3)) return false;
      return rest().starts_with("<!--") ? hide_until("-->", 4) : literal(1);
    }
    if (byte(1) != '/' && !is_ascii_letter(byte(1))) return literal(1);
    const size_t end = look(1, kTag, [](char c) { return c == '>' || c == '<'; });
    if (end == kMore) return false;
    if (end == kNone || byte(end) != '>') return literal(1);
    return known_tag(end);
  }

  bool known_tag(size_t end) {
    const bool closes = byte(1) == '/';
    const std::string_view inner = rest().substr(1, end - 1);
    const std::string_view body = inner.substr(closes ? 1 : 0);
    const std::string name = ascii_lower(body.substr(0, body.find_first_of(" \t/")));
    const bool is_address = inner.contains("://") || inner.contains('@');
    switch (tag_kind(name)) {
      case TagKind::kHidden:
        if (closes || inner.ends_with('/')) return remove(end + 1);
        return hide_until("</" + name + ">", end + 1);
      case TagKind::kBlock:
        end_line();
        return skip(end + 1);
      case TagKind::kInline:
        return skip(end + 1);
      case TagKind::kUnknown:
        break;
    }
    if (is_address && !inner.contains(' ')) return replace(end + 1, std::string(inner));
    return literal(1);
  }

  bool entity() {
    const EntityMatch match = match_entity(rest());
    if (!match.entity) return match.may_become_one && !complete ? false : literal(1);
    if (match.entity->text == " ") {
      space();
    } else {
      emit(match.entity->text, Before::kOther);
    }
    return skip(match.entity->spelling.size());
  }

  bool escape() {
    if (!knows(1)) return false;
    if (is_break(byte(1))) return skip(1);
    if (!is_ascii_punctuation(byte(1))) return literal(1);
    emit(rest().substr(1, 1), Before::kOther);
    return skip(2);
  }

  /// 0 if an address starts here, kNone if not.
  size_t starts_address() const {
    if (f.before_ == Before::kLetter || f.before_ == Before::kDigit) return kNone;
    if (ascii_lower(byte(0)) != 'h' && ascii_lower(byte(0)) != 'w') return kNone;
    const std::string head = ascii_lower(rest().substr(0, 8));
    for (const std::string_view opening : {"http://", "https://", "www."}) {
      if (head.starts_with(opening)) return 0;
      if (!complete && opening.starts_with(head)) return kMore;
    }
    return kNone;
  }

  bool address() {
    constexpr std::string_view kEnds = " \t\r\n<>\"`|^{}\\";
    const size_t found = look(0, kAddress, [&](char c) { return kEnds.contains(c); });
    if (found == kMore) return false;
    size_t end = found;
    if (found == kNone) {
      const size_t stop = std::min({rest().find_first_of("\r\n"), rest().size(), kAddress});
      if (stop == kAddress) f.mode_ = Mode::kSkipWord;
      end = stop;
    }
    std::string_view url = rest().substr(0, end);
    while (!url.empty() && std::string_view(".,;:!?'*_~)]").contains(url.back())) {
      if (url.back() == ')' && url.contains('(')) break;
      url.remove_suffix(1);
    }
    const std::string spoken = spoken_address(url);
    const size_t bytes = std::max<size_t>(url.size(), 1);
    if (spoken.empty()) return remove(bytes);
    emit(spoken, Before::kLetter);
    return skip(bytes);
  }

  bool character() {
    if (!complete && rest().size() < 4 && incomplete_tail(rest()) == rest().size()) return false;
    const CodePoint point = decode_first(rest());
    if (point.value == kNotUtf8) return skip(1);
    const CharClass kind = char_class(point.value);
    if (kind == CharClass::kSpace) {
      space();
      return skip(point.bytes);
    }
    if (is_picture(point.value)) {
      space();
      return remove(point.bytes);
    }
    const bool joins_pictures = point.value == 0x200D && f.removed_;
    if (joins_pictures || is_invisible(point.value)) return skip(point.bytes);
    const Before before = kind == CharClass::kNumber                               ? Before::kDigit
                          : kind == CharClass::kLetter || kind == CharClass::kMark ? Before::kLetter
                                                                                   : Before::kOther;
    emit(rest().substr(0, point.bytes), before);
    return skip(point.bytes);
  }

  bool line_break() {
    // "\r\n" is one break, also when it arrives in two pieces.
    const bool second_half = f.after_return_ && byte(0) == '\n';
    f.after_return_ = byte(0) == '\r';
    if (!second_half) end_line();
    return skip(1);
  }

  bool step() {
    if (f.mode_ == Mode::kTag) return inside_tag();
    if (f.mode_ == Mode::kFence) return inside_fence();
    if (f.mode_ == Mode::kFenceLine) return fence_line();
    if (f.mode_ == Mode::kSkipWord) return skip_word();
    if (is_break(byte(0))) return line_break();
    f.after_return_ = false;
    return f.line_start_ ? line_start() : inline_text();
  }
};

std::string SpokenFilter::run(Input input) {
  FilterStep step{*this, input == Input::kComplete};
  while (at_ < held_.size() && step.step()) {
  }
  held_.erase(0, at_);
  at_ = 0;
  return std::exchange(out_, {});
}

std::string SpokenFilter::push(std::string_view text) {
  // In bites, so that the work on the undecided text stays small.
  constexpr size_t kBite = 4096;
  std::string out;
  while (!text.empty()) {
    const std::string_view bite = text.substr(0, kBite);
    held_ += bite;
    out += run(Input::kMayGrow);
    text.remove_prefix(bite.size());
  }
  return out;
}

std::string SpokenFilter::finish() {
  std::string out = run(Input::kComplete);
  *this = SpokenFilter();
  return out;
}

std::string spoken_text(std::string_view text) {
  SpokenFilter filter;
  std::string out = filter.push(text);
  return out + filter.finish();
}

}  // namespace tenwatt::text
