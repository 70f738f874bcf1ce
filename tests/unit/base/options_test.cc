// One table, three places, one precedence.
#include "base/options.h"

#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <fstream>

namespace tenwatt {
namespace {

constexpr std::array<std::string_view, 2> kPrecisions = {"exact", "fast"};
constexpr std::array kTable = {
    OptionSpec{.name = "threads", .letter = 't', .type = OptionType::kInteger, .help = "threads"},
    OptionSpec{.name = "temperature", .type = OptionType::kNumber, .default_value = "0.7"},
    OptionSpec{.name = "precision", .default_value = "fast", .choices = kPrecisions},
    OptionSpec{.name = "strict", .type = OptionType::kSwitch},
    OptionSpec{.name = "max-tokens", .type = OptionType::kInteger, .default_value = "128"},
    OptionSpec{.name = "input", .type = OptionType::kList},
};

struct Options : ::testing::Test {
  void SetUp() override {
    path = ::testing::TempDir() + "tenwatt_options.toml";
    inputs.environment = [this](const std::string& name) -> std::optional<std::string> {
      const auto found = environment.find(name);
      if (found == environment.end()) return std::nullopt;
      return found->second;
    };
  }
  void TearDown() override { std::filesystem::remove(path); }
  void file(const std::string& text) {
    std::ofstream(path) << text;
    inputs.file = path;
  }
  OptionValues values() {
    auto result = resolve_options(kTable, inputs);
    EXPECT_TRUE(result) << result.error().message;
    return result ? *result : OptionValues{};
  }
  Error error() {
    auto result = resolve_options(kTable, inputs);
    EXPECT_FALSE(result);
    return result ? Error{} : result.error();
  }
  std::string path;
  std::map<std::string, std::string> environment;
  OptionInputs inputs;
};

TEST_F(Options, DefaultThenFileThenEnvironmentThenFlag) {
  EXPECT_EQ(values().integer("max-tokens"), 128);
  EXPECT_EQ(values().source("max-tokens"), OptionSource::kDefault);
  file("max-tokens = 1\n");
  EXPECT_EQ(values().integer("max-tokens"), 1);
  EXPECT_EQ(values().source("max-tokens"), OptionSource::kFile);
  environment["TENWATT_MAX_TOKENS"] = "2";
  EXPECT_EQ(values().integer("max-tokens"), 2);
  EXPECT_EQ(values().source("max-tokens"), OptionSource::kEnvironment);
  inputs.command_line["max-tokens"] = {"3"};
  EXPECT_EQ(values().integer("max-tokens"), 3);
  EXPECT_EQ(values().source("max-tokens"), OptionSource::kCommandLine);
}

TEST_F(Options, WithoutAnyPlaceHaveNoValue) {
  EXPECT_FALSE(values().has("threads"));
  EXPECT_FALSE(values().on("strict"));
  EXPECT_TRUE(values().list("input").empty());
  EXPECT_FALSE(values().has("no-such-option"));
}

TEST_F(Options, TableOfTheVerbWinsOverTheTopOfTheFile) {
  file("threads = 2\nunknown = 1\n[ask]\nthreads = 3\n[say]\nthreads = 4\n");
  inputs.section = "ask";
  EXPECT_EQ(values().integer("threads"), 3);
  inputs.section = "other";
  EXPECT_EQ(values().integer("threads"), 2);
}

TEST_F(Options, EveryTypeFromEveryPlace) {
  file("strict = true\ntemperature = 1\ninput = ['a=1', 'b=2']\n");
  EXPECT_TRUE(values().on("strict"));
  EXPECT_EQ(values().number("temperature"), 1.0);
  EXPECT_EQ(values().list("input"), (std::vector<std::string>{"a=1", "b=2"}));
  environment = {{"TENWATT_STRICT", "0"}, {"TENWATT_INPUT", "x,y"}};
  EXPECT_FALSE(values().on("strict"));
  EXPECT_EQ(values().list("input"), (std::vector<std::string>{"x", "y"}));
}

TEST_F(Options, WrongValueNamesThePlaceAndWhatWasExpected) {
  environment["TENWATT_THREADS"] = "many";
  EXPECT_EQ(error().code, ErrorCode::kUsage);
  EXPECT_EQ(error().message, "TENWATT_THREADS: 'many' is not a whole number");
  environment.clear();
  inputs.command_line["precision"] = {"sloppy"};
  EXPECT_EQ(error().message, "--precision: 'sloppy' is not one of exact, fast");
  inputs.command_line.clear();
  for (const char* text : {"nan", "inf", "1x", ""}) {
    inputs.command_line["temperature"] = {text};
    EXPECT_EQ(error().code, ErrorCode::kUsage) << text;
  }
}

TEST_F(Options, BrokenFileIsReportedWithItsLine) {
  file("threads = 2\nthreads = \n");
  EXPECT_EQ(error().code, ErrorCode::kUsage);
  EXPECT_NE(error().message.find(".toml:2:"), std::string::npos) << error().message;
  file("threads = 2024-01-01\n");
  EXPECT_EQ(error().code, ErrorCode::kUsage);
}

TEST(NearestName, FindsTheTypingErrorAndNothingElse) {
  constexpr std::array<std::string_view, 4> kNames = {"pull", "list", "transcribe", "show"};
  EXPECT_EQ(nearest_name("pul", kNames), "pull");
  EXPECT_EQ(nearest_name("transribe", kNames), "transcribe");
  EXPECT_EQ(nearest_name("zzzzz", kNames), "");
}

}  // namespace
}  // namespace tenwatt
