// The table of failures is closed: every code has one row, and what is written about it elsewhere
// is the same.
#include "base/error_table.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "base/paths.h"

namespace tenwatt {
namespace {

/// The enumerator's spelling. Without a default, so that a new code doesn't compile before it is
/// named here.
std::string spelling(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return "kInvalidArgument";
    case ErrorCode::kUsage:
      return "kUsage";
    case ErrorCode::kNotFound:
      return "kNotFound";
    case ErrorCode::kModelMissing:
      return "kModelMissing";
    case ErrorCode::kCorrupt:
      return "kCorrupt";
    case ErrorCode::kUnsupported:
      return "kUnsupported";
    case ErrorCode::kOutOfRange:
      return "kOutOfRange";
    case ErrorCode::kOutOfMemory:
      return "kOutOfMemory";
    case ErrorCode::kCancelled:
      return "kCancelled";
    case ErrorCode::kIo:
      return "kIo";
    case ErrorCode::kNetwork:
      return "kNetwork";
    case ErrorCode::kDevice:
      return "kDevice";
    case ErrorCode::kAudioDevice:
      return "kAudioDevice";
    case ErrorCode::kInternal:
      return "kInternal";
  }
  return "";
}

TEST(ErrorTable, EveryCodeHasOneRowWithANameOfItsOwn) {
  std::set<std::string_view> names;
  std::set<ErrorCode> codes;
  for (const ErrorRow& row : error_table()) {
    EXPECT_FALSE(spelling(row.code).empty());
    EXPECT_FALSE(row.meaning.empty()) << row.name;
    EXPECT_EQ(row.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), std::string_view::npos);
    names.insert(row.name);
    codes.insert(row.code);
    EXPECT_EQ(error_name(row.code), row.name);
    EXPECT_EQ(exit_code(row.code), row.exit_code);
  }
  EXPECT_EQ(names.size(), error_table().size());
  EXPECT_EQ(codes.size(), static_cast<size_t>(ErrorCode::kInternal) + 1);
}

TEST(ErrorTable, OnlyUsageMissingModelsAndAudioDevicesHaveExitCodesOfTheirOwn) {
  for (const ErrorRow& row : error_table()) {
    int expected = 1;
    if (row.code == ErrorCode::kUsage) expected = 2;
    if (row.code == ErrorCode::kModelMissing) expected = 3;
    if (row.code == ErrorCode::kAudioDevice) expected = 4;
    EXPECT_EQ(row.exit_code, expected) << row.name;
  }
}

TEST(ErrorTable, ACodeOutsideTheEnumerationIsAnInternalFault) {
  EXPECT_EQ(error_name(static_cast<ErrorCode>(1000)), "internal");
  EXPECT_EQ(exit_code(static_cast<ErrorCode>(1000)), 1);
}

TEST(ErrorTable, TheDocumentationSaysTheSame) {
  const auto page = read_file(TENWATT_SOURCE_DIR "/docs/errors.md", 1 << 20);
  ASSERT_TRUE(page) << page.error().message;
  size_t rows = 0;
  for (size_t at = page->find("\n| `k"); at != std::string::npos; at = page->find("\n| `k", at + 1))
    ++rows;
  EXPECT_EQ(rows, error_table().size());
  for (const ErrorRow& row : error_table()) {
    const std::string line = "\n| `" + spelling(row.code) + "` | `" + std::string(row.name) +
                             "` | " + std::to_string(row.exit_code) + " | " +
                             std::string(row.meaning) + " |\n";
    EXPECT_NE(page->find(line), std::string::npos) << line;
  }
}

}  // namespace
}  // namespace tenwatt
