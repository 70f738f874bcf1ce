// What is written and what is to be said, row by row.
#include "text/normaliser.h"

#include <gtest/gtest.h>

#include <random>

#include "text/spoken_numbers.h"

namespace tenwatt::text {
namespace {

struct Row {
  const char* written;
  const char* said;
};

TEST(Normaliser, SaysWhatIsMeant) {
  constexpr Row kRows[] = {
      {"It costs $500.", "It costs 500 dollars."},
      {"$3.50 or $1", "3 dollars and 50 cents or 1 dollar"},
      {"$1.01", "1 dollar and 1 cent"},
      {"$0.99", "99 cents"},
      {"$5.00", "5 dollars"},
      {"$1,234.56", "1234 dollars and 56 cents"},
      {"$1.5 million", "1.5 million dollars"},
      {"$5k, $3bn", "5 thousand dollars, 3 billion dollars"},
      {"£2.05 €10 ¥300", "2 pounds and 5 pence 10 euros 300 yen"},
      {"500€ each", "500 euros each"},
      {"50% off, 12.5 %", "50 percent off, 12.5 percent"},
      {"the 1st, 2nd, 3rd and 21st", "the first, second, third and twenty-first"},
      {"the 100th and 112th", "the one hundredth and one hundred twelfth"},
      {"in 1920", "in nineteen twenty"},
      {"since 1905, until 2024", "since nineteen oh five, until twenty twenty-four"},
      {"in 2005", "in two thousand five"},
      {"July 4, 1776", "July 4, seventeen seventy-six"},
      {"1920 apples", "1920 apples"},
      {"in 1500 m", "in 1500 meters"},
      {"the 1920s and the 90s", "the nineteen twenties and the nineties"},
      {"1914-1918", "nineteen fourteen to nineteen eighteen"},
      {"10-20 km, 5–10 kg", "10 to 20 kilometers, 5 to 10 kilograms"},
      {"555-1234", "555-1234"},
      {"2024-01-15", "2024-01-15"},
      {"at 10:30", "at 10 30"},
      {"at 7:05 pm", "at 7 oh 5 P M"},
      {"at 10:00.", "at 10 o'clock."},
      {"5pm and 9 a.m.", "5 P M and 9 A M."},
      {"10:30:15", "10:30:15"},
      {"Mr. Smith and Mrs Jones", "Mister Smith and Missus Jones"},
      {"Dr. Who lives on Elm Dr.", "Doctor Who lives on Elm Drive."},
      {"St. John on Main St. today", "Saint John on Main Street today"},
      {"cats, dogs, etc.", "cats, dogs, et cetera."},
      {"fruit, e.g. apples", "fruit, for example apples"},
      {"No. 5 says No.", "number 5 says No."},
      {"Henry VIII", "Henry the eighth"},
      {"World War II, Part I", "World War 2, Part 1"},
      {"Apollo XI", "Apollo 11"},
      {"Elizabeth I was", "Elizabeth the first was"},
      {"Mary I think", "Mary I think"},
      {"And I, V and X", "And I, V and X"},
      {"The IV drip", "The IV drip"},
      {"salt & pepper, R&D", "salt and pepper, R and D"},
      {"a@b.com @home", "a at b.com at home"},
      {"5 km, 1 kg, 3GB", "5 kilometers, 1 kilogram, 3 gigabytes"},
      {"20°C or 68 °F", "20 degrees Celsius or 68 degrees Fahrenheit"},
      {"60 km/h and 5mph", "60 kilometers per hour and 5 miles per hour"},
      {"2 + 2 = 4", "2 plus 2 equals 4"},
      {"2 × 3 and 2*3", "2  times  3 and 2 times 3"},
      {"1/2 cup, 1/2/2024", "one half cup, 1/2/2024"},
      {"#1 and -5", "number 1 and minus 5"},
      {"well-known 3-4x", "well-known 3 to 4x"},
      {"Plain 1,000 and 3.14 stay.", "Plain 1,000 and 3.14 stay."},
      {"version 1.2.3 of v2", "version 1.2.3 of v2"},
      {"Éditions été 世界", "Éditions été 世界"},
      {"", ""},
  };
  for (const Row& row : kRows) EXPECT_EQ(normalise_english(row.written), row.said);
}

TEST(Normaliser, AnyBytesAreValid) {
  std::mt19937 random(5);
  constexpr std::string_view kAlphabet = "$€19:.,-–%stIVX Mr&@#~*/°C0km\n\xFF\xC3";
  for (int round = 0; round < 20000; ++round) {
    std::string text(random() % 24, '\0');
    for (char& c : text) c = kAlphabet[random() % kAlphabet.size()];
    normalise_english(text);
  }
}

TEST(SpokenNumbers, Words) {
  EXPECT_EQ(cardinal_words(0), "zero");
  EXPECT_EQ(cardinal_words(999'999'999),
            "nine hundred ninety-nine million nine hundred ninety-nine thousand nine hundred "
            "ninety-nine");
  EXPECT_EQ(ordinal_words(12), "twelfth");
  EXPECT_EQ(ordinal_words(40), "fortieth");
  EXPECT_EQ(ordinal_words(1000), "one thousandth");
  EXPECT_EQ(year_words(1900), "nineteen hundred");
  EXPECT_EQ(decade_words(1910), "nineteen tens");
  EXPECT_EQ(roman_value("XIV"), 14u);
  EXPECT_EQ(roman_value("IIII"), std::nullopt);
  EXPECT_EQ(roman_value(""), std::nullopt);
}

}  // namespace
}  // namespace tenwatt::text
