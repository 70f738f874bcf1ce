// Every parser linked into this test program survives 200 cuts and 5,000 flips of a valid file.
// The sanitizer build is where this says most.
#include <gtest/gtest.h>

#include <filesystem>

#include "base/paths.h"
#include "fuzz/parser.h"

namespace tenwatt::fuzz {
namespace {

class Hostile : public ::testing::TestWithParam<Parser> {};

TEST_P(Hostile, SurvivesCutsAndFlips) {
  const Parser& parser = GetParam();
  const std::string valid = parser.example();
  ASSERT_LE(valid.size(), size_t{1} << 20);
  ASSERT_TRUE(parser.accepts(valid)) << "the example itself is refused";
  for (int index = 0; index < kMutants; ++index) {
    const std::string bytes = mutant(valid, index);
    const bool accepted = parser.accepts(bytes);
    if (index < kCuts && parser.cuts == Cuts::kAreErrors) {
      EXPECT_FALSE(accepted) << "cut at byte " << bytes.size();
    }
  }
}

// What fuzzing has found to reach new code, among it every file that once broke a parser.
TEST_P(Hostile, SurvivesTheKeptCorpus) {
  std::error_code absent;
  const std::string folder = TENWATT_SOURCE_DIR "/tests/fuzz/corpus/" + GetParam().name;
  for (const auto& item : std::filesystem::directory_iterator(folder, absent)) {
    const auto bytes = read_file(item.path().string(), size_t{1} << 20);
    ASSERT_TRUE(bytes);
    GetParam().accepts(*bytes);
  }
}

INSTANTIATE_TEST_SUITE_P(Parsers, Hostile, ::testing::ValuesIn(parsers()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace tenwatt::fuzz
