// What may stand at the start of a line: quotes, headings, fences, rules, bullets, numbers.
#include "text/filter_step.h"

namespace tenwatt::text {
namespace {

constexpr size_t kRule = 200;

}  // namespace

bool FilterStep::line_start() {
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

bool FilterStep::text_starts() {
  f.line_start_ = false;
  return true;
}

bool FilterStep::heading() {
  const size_t run = run_of('#', 0);
  if (run == kMore) return false;
  if (run > 6 || !(is_blank(byte(run)) || is_break(byte(run)))) return text_starts();
  f.line_start_ = false;
  return remove(run);
}

bool FilterStep::fence() {
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

bool FilterStep::rule_or_bullet() {
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

bool FilterStep::numbered() {
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

}  // namespace tenwatt::text
