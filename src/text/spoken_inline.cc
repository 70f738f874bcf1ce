// What may stand within a line: code, emphasis, links, tags, entities, addresses and characters.
#include "text/filter_step.h"
#include "text/spoken_marks.h"

namespace tenwatt::text {
namespace {

// How far a construct may reach. Beyond, its opening mark counts as text.
constexpr size_t kLinkText = 300;
constexpr size_t kAddress = 2000;
constexpr size_t kCode = 400;

bool is_word_byte(char c) { return is_ascii_letter(c) || is_digit(c) || (c & 0x80) != 0; }
bool is_ascii_punctuation(char c) {
  return c > ' ' && c < 127 && !is_ascii_letter(c) && !is_digit(c);
}

}  // namespace

bool FilterStep::inline_text() {
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

bool FilterStep::code() {
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

bool FilterStep::emphasis() {
  const char mark = byte(0);
  const size_t run = run_of(mark, 0);
  if (run == kMore) return false;
  const char next = byte(run);
  const bool between_spaces =
      run == 1 && f.before_ == Before::kSpace && (is_blank(next) || is_break(next));
  const bool between_digits = f.before_ == Before::kDigit && is_digit(next);
  const bool in_word = f.before_ == Before::kLetter || f.before_ == Before::kDigit;
  const bool stays = mark == '*' ? between_spaces || between_digits : in_word && is_word_byte(next);
  if (stays) return literal(run);
  // Marks within a word don't part it: no trace of them is kept.
  return skip(run);
}

bool FilterStep::strike() {
  const size_t run = run_of('~', 0);
  if (run == kMore) return false;
  return run >= 2 ? skip(run) : literal(1);
}

FilterStep::Link FilterStep::find_link(size_t from) const {
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

bool FilterStep::link() {
  const Link found = find_link(0);
  if (found.text_end == kMore) return false;
  if (found.text_end == kNone) return literal(1);
  if (found.is_note) return remove(found.end);
  return replace(found.end, std::string(rest().substr(1, found.text_end - 1)));
}

bool FilterStep::image() {
  if (!knows(1)) return false;
  if (byte(1) != '[') return literal(1);
  const Link found = find_link(1);
  if (found.text_end == kMore) return false;
  return found.text_end == kNone || found.is_note ? literal(1) : remove(found.end);
}

bool FilterStep::hide_until(std::string closing, size_t bytes) {
  f.mode_ = Mode::kTag;
  f.closing_ = std::move(closing);
  return remove(bytes);
}

bool FilterStep::tag() {
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

bool FilterStep::known_tag(size_t end) {
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

bool FilterStep::entity() {
  const EntityMatch match = match_entity(rest());
  if (!match.entity) return match.may_become_one && !complete ? false : literal(1);
  if (match.entity->text == " ") {
    space();
  } else {
    emit(match.entity->text, Before::kOther);
  }
  return skip(match.entity->spelling.size());
}

bool FilterStep::escape() {
  if (!knows(1)) return false;
  if (is_break(byte(1))) return skip(1);
  if (!is_ascii_punctuation(byte(1))) return literal(1);
  emit(rest().substr(1, 1), Before::kOther);
  return skip(2);
}

size_t FilterStep::starts_address() const {
  if (f.before_ == Before::kLetter || f.before_ == Before::kDigit) return kNone;
  if (ascii_lower(byte(0)) != 'h' && ascii_lower(byte(0)) != 'w') return kNone;
  const std::string head = ascii_lower(rest().substr(0, 8));
  for (const std::string_view opening : {"http://", "https://", "www."}) {
    if (head.starts_with(opening)) return 0;
    if (!complete && opening.starts_with(head)) return kMore;
  }
  return kNone;
}

bool FilterStep::address() {
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

bool FilterStep::character() {
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

}  // namespace tenwatt::text
