// Score references come from files: any that lack a part are refused with what they lack.
#include "api/reference_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace tenwatt {
namespace {

Result<ScoreReference> read(const std::string& text) {
  const auto path = std::filesystem::temp_directory_path() /
                    ("tenwatt-reference-" + std::to_string(getpid()) + ".json");
  std::ofstream(path) << text;
  auto reference = read_score_reference(path.string());
  std::filesystem::remove(path);
  return reference;
}

constexpr const char* kTop = R"("top": [[3, -0.5], [1, -1.5]])";

std::string with_position(const std::string& fields) {
  return R"({"ids": [1, 2], "positions": [{)" + fields + "}]}";
}

TEST(ScoreReference, IsReadAsItIsWritten) {
  const auto reference = read(with_position(std::string(kTop) + R"(, "rest": 0.25, "next": -2.0)"));
  ASSERT_TRUE(reference) << reference.error().message;
  EXPECT_EQ(reference->ids, (std::vector<int32_t>{1, 2}));
  ASSERT_EQ(reference->positions.size(), 1u);
  EXPECT_EQ(reference->positions[0].top[1], (std::pair<int32_t, double>{1, -1.5}));
  EXPECT_EQ(reference->positions[0].rest, 0.25);
  EXPECT_EQ(reference->positions[0].next, -2.0);
}

TEST(ScoreReference, AnyMissingPartIsRefused) {
  const std::string top = kTop;
  for (const std::string& text :
       {std::string("[]"), std::string("{}"), std::string(R"({"ids": [1, 2]})"),
        std::string(R"({"ids": [1], "positions": []})"), with_position(""),
        with_position(top + R"(, "rest": 0.25)"), with_position(top + R"(, "next": -2.0)"),
        with_position(R"("rest": 0.25, "next": -2.0)"),
        with_position(R"("top": [[3]], "rest": 0.25, "next": -2.0)"),
        with_position(R"("top": [[3, -0.5]], "rest": 0.25, "next": -2.0)")}) {
    const auto reference = read(text);
    ASSERT_FALSE(reference) << text;
    EXPECT_EQ(reference.error().code, ErrorCode::kCorrupt) << text;
  }
}

}  // namespace
}  // namespace tenwatt
