// Command lines against a table of every kind of option.
#include "cli/parse.h"

#include <gtest/gtest.h>

#include <array>

namespace tenwatt::cli {
namespace {

constexpr std::array kOptions = {
    OptionSpec{.name = "output", .letter = 'o', .value_name = "FILE"},
    OptionSpec{.name = "count", .letter = 'n', .type = OptionType::kInteger},
    OptionSpec{.name = "input", .letter = 'i', .type = OptionType::kList},
    OptionSpec{.name = "json", .type = OptionType::kSwitch},
};
const Verb kVerb = {.name = "try",
                    .help = "a verb for tests",
                    .positionals = {"FILE...", 1, 2, ""},
                    .options = kOptions,
                    .group = OptionGroup::kRuntime,
                    .run = nullptr};

Result<ParsedLine> parse(const std::vector<std::string>& words) { return parse_line(kVerb, words); }

Error error(const std::vector<std::string>& words) {
  const auto line = parse(words);
  EXPECT_FALSE(line);
  return line ? Error{} : line.error();
}

TEST(ParseLine, FlagsInAnyOrderAndSpelling) {
  const auto line = parse({"-o", "a.wav", "one", "--json", "--count=3", "two", "-i", "x=1",
                           "--input", "y=2", "--threads", "4", "-vv"});
  ASSERT_TRUE(line) << line.error().message;
  EXPECT_EQ(line->arguments, (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(line->options.at("output"), std::vector<std::string>{"a.wav"});
  EXPECT_EQ(line->options.at("count"), std::vector<std::string>{"3"});
  EXPECT_EQ(line->options.at("input"), (std::vector<std::string>{"x=1", "y=2"}));
  EXPECT_EQ(line->options.at("threads"), std::vector<std::string>{"4"});
  EXPECT_EQ(line->options.at("verbose").size(), 2u);
  EXPECT_TRUE(line->options.contains("json"));
  EXPECT_FALSE(line->options.contains("quiet"));
}

TEST(ParseLine, DashIsAnArgumentAndAValue) {
  const auto line = parse({"-", "-o", "-"});
  ASSERT_TRUE(line) << line.error().message;
  EXPECT_EQ(line->arguments, std::vector<std::string>{"-"});
  EXPECT_EQ(line->options.at("output"), std::vector<std::string>{"-"});
}

TEST(ParseLine, EverythingAfterTwoDashesIsAnArgument) {
  const auto line = parse({"--json", "--", "--count", "-o"});
  ASSERT_TRUE(line) << line.error().message;
  EXPECT_EQ(line->arguments, (std::vector<std::string>{"--count", "-o"}));
}

TEST(ParseLine, NegativeNumbersAreValues) {
  const auto line = parse({"one", "--count", "-3"});
  ASSERT_TRUE(line) << line.error().message;
  EXPECT_EQ(line->options.at("count"), std::vector<std::string>{"-3"});
}

TEST(ParseLine, LastOfARepeatedFlagCounts) {
  const auto line = parse({"one", "--count", "1", "--count", "2"});
  ASSERT_TRUE(line) << line.error().message;
  EXPECT_EQ(line->options.at("count").back(), "2");
}

TEST(ParseLine, UnknownFlagSuggestsTheNearest) {
  EXPECT_EQ(error({"one", "--ouptut", "x"}).code, ErrorCode::kUsage);
  EXPECT_EQ(error({"one", "--ouptut=x"}).remedy, "--output");
}

TEST(ParseLine, MissingValuesAndWrongCounts) {
  EXPECT_EQ(error({"one", "--output"}).code, ErrorCode::kUsage);
  EXPECT_EQ(error({}).code, ErrorCode::kUsage);
  EXPECT_EQ(error({"one", "two", "three"}).code, ErrorCode::kUsage);
}

TEST(ParseLine, HelpNeedsNoArguments) {
  EXPECT_TRUE(parse({"--help"})->help);
  EXPECT_TRUE(parse({"-h"})->help);
}

}  // namespace
}  // namespace tenwatt::cli
