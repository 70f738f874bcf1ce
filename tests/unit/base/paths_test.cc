// Folders by the environment, and files that are whole or not there.
#include "base/paths.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>

namespace tenwatt {
namespace {

TEST(Paths, TenwattHomeThenXdgThenHome) {
  ::setenv("HOME", "/home/someone", 1);
  ::unsetenv("XDG_DATA_HOME");
  ::unsetenv("XDG_CACHE_HOME");
  ::unsetenv("TENWATT_HOME");
  EXPECT_EQ(data_folder(), "/home/someone/.local/share/tenwatt");
  EXPECT_EQ(cache_folder(), "/home/someone/.cache/tenwatt");
  ::setenv("XDG_DATA_HOME", "/data", 1);
  ::setenv("XDG_CACHE_HOME", "relative/is/ignored", 1);
  EXPECT_EQ(data_folder(), "/data/tenwatt");
  EXPECT_EQ(cache_folder(), "/home/someone/.cache/tenwatt");
  ::setenv("TENWATT_HOME", "/mine", 1);
  EXPECT_EQ(data_folder(), "/mine");
  EXPECT_EQ(cache_folder(), "/mine/cache");
  for (const char* name : {"TENWATT_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"}) ::unsetenv(name);
}

TEST(Paths, AtomicWriteReplacesAndLeavesNothingElse) {
  const std::string folder = ::testing::TempDir() + "tenwatt_paths";
  std::filesystem::remove_all(folder);
  ASSERT_TRUE(make_folder(folder + "/a/b"));
  const std::string path = folder + "/a/b/file";
  ASSERT_TRUE(write_file_atomically(path, "one"));
  ASSERT_TRUE(write_file_atomically(path, std::string("t\0o", 3)));
  EXPECT_EQ(read_file(path, 100).value(), std::string("t\0o", 3));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder + "/a/b"), {}), 1);
  EXPECT_EQ(read_file(path, 2).error().code, ErrorCode::kOutOfRange);
  EXPECT_EQ(read_file(folder + "/none", 2).error().code, ErrorCode::kNotFound);
  EXPECT_FALSE(write_file_atomically(folder + "/none/file", "x"));
  std::filesystem::remove_all(folder);
}

TEST(Paths, OnlyAPlainFileIsReplaced) {
  const std::string folder = testing::TempDir() + "/paths_not_replaced";
  const std::string link = folder + "/link";
  ASSERT_TRUE(make_folder(folder));
  std::filesystem::remove(link);
  std::filesystem::create_symlink("/dev/null", link);
  for (const std::string& path : {folder, link}) {
    const Status written = write_file_atomically(path, "x");
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().code, ErrorCode::kIo);
    EXPECT_TRUE(written.error().message.contains(path)) << written.error().message;
  }
  EXPECT_TRUE(std::filesystem::is_symlink(link));
}

}  // namespace
}  // namespace tenwatt
