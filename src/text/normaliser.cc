#include "text/normaliser.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "text/normaliser_tables.h"
#include "text/spoken_numbers.h"
#include "text/unicode.h"

namespace tenwatt::text {
namespace {

bool is_word_byte(char c) { return is_ascii_letter(c) || is_digit(c) || (c & 0x80) != 0; }
bool lists(std::string_view words, std::string_view word) {
  return !word.empty() && words.contains(" " + std::string(word) + " ");
}

/// Figures with their grouping commas taken out, and how many bytes they took.
struct Number {
  std::string whole;
  std::string fraction;
  size_t bytes = 0;

  bool is_one() const { return whole == "1" && fraction.empty(); }
  std::string text() const { return fraction.empty() ? whole : whole + "." + fraction; }
  /// The value of a whole number of at most nine figures.
  std::optional<uint32_t> value() const {
    if (!fraction.empty() || whole.size() > 9) return std::nullopt;
    uint32_t out = 0;
    std::from_chars(whole.data(), whole.data() + whole.size(), out);
    return out;
  }
};

size_t digits_at(std::string_view text, size_t from) {
  size_t count = 0;
  while (from + count < text.size() && is_digit(text[from + count])) ++count;
  return count;
}

Number parse_number(std::string_view text) {
  Number number;
  size_t at = digits_at(text, 0);
  number.whole = text.substr(0, at);
  while (at > 0 && at < text.size() && text[at] == ',' && digits_at(text, at + 1) == 3) {
    number.whole += text.substr(at + 1, 3);
    at += 4;
  }
  if (at > 0 && at < text.size() && text[at] == '.') {
    const size_t decimals = digits_at(text, at + 1);
    number.fraction = text.substr(at + 1, decimals);
    if (decimals > 0) at += 1 + decimals;
  }
  number.bytes = at;
  return number;
}

class Normaliser {
 public:
  explicit Normaliser(std::string_view text) : text_(text) {}

  std::string run() {
    while (at_ < text_.size()) {
      if (!apply_any()) copy();
    }
    return std::move(out_);
  }

 private:
  std::string_view rest() const { return text_.substr(at_); }
  char after(size_t bytes) const { return at_ + bytes < text_.size() ? text_[at_ + bytes] : '\n'; }
  char before() const { return at_ > 0 ? text_[at_ - 1] : '\n'; }
  bool word_starts() const {
    return !is_word_byte(before()) || text_.substr(0, at_).ends_with("–");
  }
  bool only_closers_after(size_t bytes) const {
    return text_.find_first_not_of(" \t\r\n\"')", at_ + bytes) == std::string_view::npos;
  }
  bool word_ends(size_t bytes) const { return !is_word_byte(after(bytes)); }

  void copy() {
    // A run of letters is copied whole, so that rules are only tried where words start.
    size_t bytes = 1;
    while (is_word_byte(text_[at_]) && !is_digit(text_[at_]) && (text_[at_] & 0x80) == 0 &&
           is_ascii_letter(after(bytes))) {
      ++bytes;
    }
    out_ += rest().substr(0, bytes);
    at_ += bytes;
  }

  bool say(std::string_view words, size_t bytes) {
    out_ += words;
    at_ += bytes;
    return true;
  }

  bool apply_any() {
    if (currency()) return true;
    if (is_digit(text_[at_])) return number_starts() && (fraction() || clock() || number());
    if (signs()) return true;
    return word_starts() && is_ascii_letter(text_[at_]) && (shortening() || roman());
  }

  bool number_starts() const {
    return word_starts() && !(before() == '.' && at_ > 1 && is_digit(text_[at_ - 2]));
  }

  // ---- money ----

  const Currency* currency_at(std::string_view text) const {
    for (const Currency& currency : kCurrencies) {
      if (text.starts_with(currency.sign)) return &currency;
    }
    return nullptr;
  }

  /// "$3.50", "$1.5 million".
  bool currency() {
    const Currency* money = currency_at(rest());
    if (money == nullptr) return false;
    const Number number = parse_number(rest().substr(money->sign.size()));
    if (number.bytes == 0) return false;
    const size_t bytes = money->sign.size() + number.bytes;
    for (const Scale& scale : kScales) {
      const size_t gap = after(bytes) == ' ' && scale.written.size() > 2 ? 1 : 0;
      const size_t end = bytes + gap + scale.written.size();
      if (!rest().substr(bytes + gap).starts_with(scale.written) || !word_ends(end)) continue;
      return say(number.text() + " " + std::string(scale.spoken) + " " + std::string(money->many),
                 end);
    }
    return say(amount(*money, number), bytes);
  }

  static std::string amount(const Currency& money, const Number& number) {
    const std::string major =
        number.whole + " " + std::string(number.whole == "1" ? money.one : money.many);
    if (number.fraction.empty()) return major;
    if (number.fraction.size() != 2 || money.cent.empty()) {
      return number.text() + " " + std::string(money.many);
    }
    if (number.fraction == "00") return major;
    const bool below_ten = number.fraction[0] == '0';
    const std::string minor_number = number.fraction.substr(below_ten ? 1 : 0);
    const std::string minor =
        minor_number + " " + std::string(minor_number == "1" ? money.cent : money.cents);
    return number.whole == "0" ? minor : major + " and " + minor;
  }

  // ---- times and numbers ----

  bool fraction() {
    for (const Sign& row : kFractions) {
      const size_t bytes = row.written.size();
      const bool alone = rest().starts_with(row.written) && word_ends(bytes) &&
                         after(bytes) != '/' && before() != '/';
      if (alone) return say(row.spoken, bytes);
    }
    return false;
  }

  /// The spelling of "am" or "pm" after `bytes`, 0 if there is none; with a space or without.
  size_t half_day(size_t bytes, std::string& spoken) const {
    const size_t gap = after(bytes) == ' ' ? 1 : 0;
    const std::string next = ascii_lower(rest().substr(std::min(bytes + gap, rest().size()), 4));
    for (const std::string_view written : {"a.m.", "p.m.", "am", "pm"}) {
      if (!next.starts_with(written) || !word_ends(bytes + gap + written.size())) continue;
      spoken = std::string(" ") + static_cast<char>(written[0] - 32) + " M";
      // "a.m." may also end the sentence.
      const size_t end = bytes + gap + written.size();
      return written.size() == 4 && only_closers_after(end) ? end - 1 : end;
    }
    return 0;
  }

  /// "10:30", "7:05 pm", "5pm".
  bool clock() {
    const size_t hours = digits_at(rest(), 0);
    if (hours == 0 || hours > 2) return false;
    const std::string hour(rest().substr(0, hours));
    std::string half;
    if (after(hours) != ':') {
      const size_t end = half_day(hours, half);
      return end > 0 && say(hour + half, end);
    }
    const size_t minutes_end = hours + 3;
    const std::string minutes(rest().substr(hours + 1, 2));
    const bool fits = digits_at(rest(), hours + 1) == 2 && minutes[0] < '6' &&
                      word_ends(minutes_end) && after(minutes_end) != ':' && std::stoi(hour) < 25;
    const size_t end = half_day(minutes_end, half);
    if (!fits && end == 0) return false;
    if (digits_at(rest(), hours + 1) != 2 || before() == ':') return false;
    std::string spoken = hour;
    if (minutes[0] == '0' && minutes[1] != '0') spoken += std::string(" oh ") + minutes[1];
    if (minutes[0] != '0') spoken += " " + minutes;
    if (minutes == "00" && half.empty()) spoken += " o'clock";
    return say(spoken + half, end > 0 ? end : minutes_end);
  }

  bool number() {
    const Number number = parse_number(rest());
    const size_t bytes = number.bytes;
    const size_t gap = after(bytes) == ' ' ? 1 : 0;
    if (after(bytes + gap) == '%') return say(number.text() + " percent", bytes + gap + 1);
    if (ordinal(number) || decade(number) || unit(number) || year_or_range(number)) return true;
    if (const Currency* money = currency_at(rest().substr(bytes))) {
      if (!is_digit(after(bytes + money->sign.size()))) {
        return say(amount(*money, number), bytes + money->sign.size());
      }
    }
    return say(rest().substr(0, bytes), bytes);
  }

  bool ordinal(const Number& number) {
    if (!number.value() || !word_ends(number.bytes + 2)) return false;
    const std::string ending = ascii_lower(rest().substr(number.bytes, 2));
    if (ending != "st" && ending != "nd" && ending != "rd" && ending != "th") return false;
    return say(ordinal_words(*number.value()), number.bytes + 2);
  }

  bool decade(const Number& number) {
    const auto value = number.value();
    if (!value || *value % 10 != 0 || after(number.bytes) != 's' || !word_ends(number.bytes + 1)) {
      return false;
    }
    const bool fits = (*value >= 1100 && *value < 2100) || (*value >= 20 && *value < 100);
    return fits && say(decade_words(*value), number.bytes + 1);
  }

  /// A year after a word that asks for one; "1914-1918" and "10–20" as ranges.
  bool year_or_range(const Number& number) {
    const auto value = number.value();
    if (!value || number.bytes != number.whole.size()) return false;
    const bool may_be_year = number.bytes == 4 && *value >= 1100 && *value < 2100;
    if (const size_t dash = dash_at(number.bytes); dash > 0 && before() != '-' && before() != '/') {
      const Number second = parse_number(rest().substr(number.bytes + dash));
      const size_t end = number.bytes + dash + second.bytes;
      const bool same_kind =
          second.bytes == number.bytes || (number.bytes <= 2 && second.bytes <= number.bytes + 1);
      const bool is_range = second.value() && *second.value() > *value && same_kind &&
                            after(end) != '-' && after(end) != '/' && number.bytes <= 4;
      if (is_range && may_be_year && *second.value() < 2100 && word_ends(end)) {
        return say(year_words(*value) + " to " + year_words(*second.value()), end);
      }
      // The second number may have a unit, so it is left for its own turn.
      if (is_range) return say(number.whole + " to ", number.bytes + dash);
    }
    const bool is_year = may_be_year && word_ends(number.bytes) && year_is_meant();
    return is_year && say(year_words(*value), number.bytes);
  }

  /// The bytes of a hyphen or dash at `bytes`, 0 for none.
  size_t dash_at(size_t bytes) const {
    if (after(bytes) == '-') return 1;
    return rest().substr(bytes).starts_with("–") ? 3 : 0;
  }

  bool year_is_meant() const {
    if (before() == '(' && after(4) == ')') return true;
    const std::string word = ascii_lower(previous_word());
    if (lists(kBeforeYear, word)) return true;
    // "July 4, 1776"
    return text_.substr(0, at_).ends_with(", ") && at_ > 2 && is_digit(text_[at_ - 3]);
  }

  bool unit(const Number& number) {
    const size_t gap = after(number.bytes) == ' ' ? 1 : 0;
    const std::string_view next = rest().substr(std::min(number.bytes + gap, rest().size()));
    for (const Unit& row : kUnits) {
      const size_t end = number.bytes + gap + row.written.size();
      if (!next.starts_with(row.written) || !word_ends(end) || after(end) == '/') continue;
      return say(number.text() + " " + std::string(number.is_one() ? row.one : row.many), end);
    }
    return false;
  }

  // ---- words ----

  /// The word before this place, on the other side of one space.
  std::string_view previous_word() const {
    if (at_ < 2 || text_[at_ - 1] != ' ') return {};
    size_t begin = at_ - 1;
    while (begin > 0 && is_ascii_letter(text_[begin - 1]) && at_ - begin < 20) --begin;
    return text_.substr(begin, at_ - 1 - begin);
  }

  bool follows(Follows what, size_t bytes) const {
    if (what == Follows::kAnything) return true;
    if (after(bytes) != ' ') return false;
    const char next = after(bytes + 1);
    return what == Follows::kCapital ? is_ascii_upper(next) : is_digit(next);
  }

  bool shortening() {
    for (const Shortening& row : kShortenings) {
      if (!rest().starts_with(row.written)) continue;
      size_t bytes = row.written.size();
      const bool has_stop = after(bytes) == '.';
      if (!has_stop && (row.stop == Stop::kRequired || !word_ends(bytes))) continue;
      if (has_stop && !word_ends(bytes + 1)) continue;
      bytes += has_stop ? 1 : 0;
      if (!follows(row.follows, bytes)) continue;
      // A stop that ends the text ends the sentence too.
      const bool keeps_stop = has_stop && only_closers_after(bytes);
      return say(row.spoken, keeps_stop ? bytes - 1 : bytes);
    }
    return false;
  }

  bool roman() {
    size_t bytes = 0;
    while (std::string_view("IVX").contains(after(bytes))) ++bytes;
    if (bytes == 0 || bytes > 6 || !word_ends(bytes) || after(bytes) == '\'') return false;
    const std::string_view head = previous_word();
    const auto value = roman_value(rest().substr(0, bytes));
    if (!value || head.size() < 2 || !is_ascii_upper(head[0])) return false;
    if (lists(kNotNumbered, head)) return false;
    const bool counted = lists(kCounted, head);
    const bool ruler = lists(kRulers, head);
    if (rest().starts_with('I') && bytes == 1 && pronoun_follows_on()) return false;
    if (ruler) return say("the " + ordinal_words(*value), bytes);
    // Elsewhere one letter is more likely a name, and capitals a word of capitals.
    const bool title_case = is_ascii_lower(head[1]);
    if (!counted && (bytes < 2 || !title_case)) return false;
    return say(std::to_string(*value), bytes);
  }

  /// Whether "I" at this place goes on with a verb: then it isn't a numeral.
  bool pronoun_follows_on() const {
    if (after(1) != ' ') return false;
    const std::string_view next = rest().substr(2);
    return !next.starts_with("of ") && !next.starts_with("was") && !next.starts_with("and") &&
           !next.empty() && is_ascii_lower(next[0]);
  }

  // ---- signs ----

  bool signs() {
    for (const Sign& row : kSigns) {
      if (rest().starts_with(row.written)) return say(row.spoken, row.written.size());
    }
    const char sign = text_[at_];
    const bool alone = (before() == ' ' || before() == '\n') && after(1) == ' ';
    for (const Sign& row : kLoneSigns) {
      if (alone && row.written[0] == sign) return say(row.spoken, 1);
    }
    const bool joins = is_word_byte(before()) && is_word_byte(after(1));
    if (sign == '&') return joins && say(" and ", 1);
    if (sign == '@' && joins) return say(" at ", 1);
    if (sign == '@' && is_word_byte(after(1))) return say("at ", 1);
    if (sign == '*' && is_digit(before()) && is_digit(after(1))) return say(" times ", 1);
    if (!is_digit(after(1))) return false;
    if (sign == '#' && word_starts()) return say("number ", 1);
    if (sign == '~') return say("about ", 1);
    const bool opens = before() == ' ' || before() == '\n' || before() == '(';
    return sign == '-' && opens && say("minus ", 1);
  }

  std::string_view text_;
  size_t at_ = 0;
  std::string out_;
};

}  // namespace

std::string normalise_english(std::string_view text) { return Normaliser(text).run(); }

}  // namespace tenwatt::text
