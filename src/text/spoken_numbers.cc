#include "text/spoken_numbers.h"

#include <array>

namespace tenwatt::text {
namespace {

constexpr std::array<std::string_view, 20> kSmall = {
    "zero",     "one",     "two",     "three",     "four",     "five",    "six",
    "seven",    "eight",   "nine",    "ten",       "eleven",   "twelve",  "thirteen",
    "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"};
constexpr std::array<std::string_view, 10> kTens = {
    "", "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"};

struct Ending {
  std::string_view cardinal, ordinal;
};
constexpr std::array kIrregular = {
    Ending{"one", "first"},      Ending{"two", "second"},   Ending{"three", "third"},
    Ending{"five", "fifth"},     Ending{"eight", "eighth"}, Ending{"nine", "ninth"},
    Ending{"twelve", "twelfth"},
};

std::string below_hundred(uint32_t n) {
  if (n < 20) return std::string(kSmall[n]);
  std::string out(kTens[n / 10]);
  if (n % 10 != 0) out += "-" + std::string(kSmall[n % 10]);
  return out;
}

void add_word(std::string& out, const std::string& word) {
  if (!out.empty()) out += ' ';
  out += word;
}

}  // namespace

std::string cardinal_words(uint32_t number) {
  if (number == 0) return "zero";
  std::string out;
  if (number >= 1'000'000) add_word(out, cardinal_words(number / 1'000'000) + " million");
  number %= 1'000'000;
  if (number >= 1000) add_word(out, cardinal_words(number / 1000) + " thousand");
  number %= 1000;
  if (number >= 100) add_word(out, below_hundred(number / 100) + " hundred");
  number %= 100;
  if (number > 0) add_word(out, below_hundred(number));
  return out;
}

std::string ordinal_words(uint32_t number) {
  std::string out = cardinal_words(number);
  for (const Ending& ending : kIrregular) {
    if (!out.ends_with(ending.cardinal)) continue;
    return out.replace(out.size() - ending.cardinal.size(), ending.cardinal.size(), ending.ordinal);
  }
  if (out.ends_with('y')) return out.replace(out.size() - 1, 1, "ieth");
  return out + "th";
}

std::string year_words(uint32_t year) {
  const uint32_t century = year / 100;
  const uint32_t rest = year % 100;
  if (year >= 2000 && year < 2010) return cardinal_words(year);
  std::string out = below_hundred(century);
  if (rest == 0) return out + " hundred";
  if (rest < 10) out += " oh";
  return out + " " + below_hundred(rest);
}

std::string decade_words(uint32_t year) {
  if (year >= 2000 && year < 2010) return "two thousands";
  std::string out = year < 100 ? below_hundred(year) : year_words(year);
  if (out.ends_with('y')) return out.replace(out.size() - 1, 1, "ies");
  return out + "s";
}

std::optional<uint32_t> roman_value(std::string_view numeral) {
  constexpr std::array<std::string_view, 10> kUnits = {"",  "I",  "II",  "III",  "IV",
                                                       "V", "VI", "VII", "VIII", "IX"};
  uint32_t tens = 0;
  while (numeral.starts_with('X') && tens < 3) {
    numeral.remove_prefix(1);
    ++tens;
  }
  for (uint32_t units = 0; units < kUnits.size(); ++units) {
    if (numeral == kUnits[units] && tens + units > 0) return tens * 10 + units;
  }
  return std::nullopt;
}

}  // namespace tenwatt::text
