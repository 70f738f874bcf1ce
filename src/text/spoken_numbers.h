// Numbers as English words, where a speech synthesiser would not read the figures as meant:
// ordinals, years, decades, Roman numerals. Plain numbers are left to the synthesiser.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tenwatt::text {

/// 0 to 999,999,999: "one hundred and five" is written without "and".
std::string cardinal_words(uint32_t number);

/// "twenty-first".
std::string ordinal_words(uint32_t number);

/// 1100 to 2099 as years are read: "nineteen oh five", "two thousand one", "twenty ten".
std::string year_words(uint32_t year);

/// A multiple of ten, as a decade: 1920 is "nineteen twenties", 90 is "nineties".
std::string decade_words(uint32_t year);

/// The value of a Roman numeral of I, V and X up to 39, if it is well formed.
std::optional<uint32_t> roman_value(std::string_view numeral);

}  // namespace tenwatt::text
