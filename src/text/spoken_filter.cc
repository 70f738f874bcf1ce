// The filter's state and what it puts out; what the constructs are is in spoken_lines.cc and
// spoken_inline.cc.
#include "text/spoken_filter.h"

#include <utility>

#include "text/filter_step.h"

namespace tenwatt::text {

void FilterStep::emit(std::string_view text, Before kind) {
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

void FilterStep::space() {
  f.space_ = true;
  f.before_ = Before::kSpace;
}

void FilterStep::end_line() {
  f.newlines_ = std::min(f.newlines_ + 1, 2);
  f.line_start_ = true;
  f.space_ = f.separator_ = f.wrote_on_line_ = f.removed_ = false;
  f.before_ = Before::kSpace;
}

bool FilterStep::literal(size_t bytes) {
  emit(rest().substr(0, bytes), Before::kOther);
  return skip(bytes);
}

bool FilterStep::inside_tag() {
  const std::string text = ascii_lower(rest());
  const size_t found = text.find(f.closing_);
  if (found != kNone) {
    f.mode_ = Mode::kText;
    return remove(found + f.closing_.size());
  }
  const size_t keep = complete ? 0 : std::min(text.size(), f.closing_.size() - 1);
  return text.size() > keep && remove(text.size() - keep);
}

bool FilterStep::inside_fence() {
  if (is_blank(byte(0)) || is_break(byte(0)) || byte(0) == '>') return skip(1);
  const size_t run = byte(0) == f.fence_mark_ ? run_of(f.fence_mark_, 0) : 0;
  if (run == kMore) return false;
  f.mode_ = run >= f.fence_length_ ? Mode::kText : Mode::kFenceLine;
  // After the closing fence its line break follows, which ends a line of text.
  f.line_start_ = true;
  return run == 0 || skip(run);
}

bool FilterStep::fence_line() {
  const size_t end = rest().find_first_of("\r\n");
  if (end == kNone) return skip(rest().size());
  f.mode_ = Mode::kFence;
  return skip(end);
}

bool FilterStep::skip_word() {
  const size_t end = rest().find_first_of(" \t\r\n");
  if (end == kNone) return skip(rest().size());
  f.mode_ = Mode::kText;
  return end == 0 || skip(end);
}

bool FilterStep::line_break() {
  // "\r\n" is one break, also when it arrives in two pieces.
  const bool second_half = f.after_return_ && byte(0) == '\n';
  f.after_return_ = byte(0) == '\r';
  if (!second_half) end_line();
  return skip(1);
}

bool FilterStep::step() {
  if (f.mode_ == Mode::kTag) return inside_tag();
  if (f.mode_ == Mode::kFence) return inside_fence();
  if (f.mode_ == Mode::kFenceLine) return fence_line();
  if (f.mode_ == Mode::kSkipWord) return skip_word();
  if (is_break(byte(0))) return line_break();
  f.after_return_ = false;
  return f.line_start_ ? line_start() : inline_text();
}

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
