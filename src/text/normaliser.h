// What is written as what is said, in English: money, percentages, ordinals, years, times,
// abbreviations, Roman numerals, units and signs. Everything else stays as it is (the phonemiser
// reads plain numbers itself). Works on a sentence or clause, whole; adding a rule is adding a row.
#pragma once

#include <string>
#include <string_view>

namespace tenwatt::text {

/// Any bytes are valid input. Takes time in proportion to the text.
std::string normalise_english(std::string_view text);

}  // namespace tenwatt::text
