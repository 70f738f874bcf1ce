// The built-in table can't hold an entry that a pull could not finish.
#include "store/catalogue.h"

#include <gtest/gtest.h>

#include <set>

namespace tenwatt::store {
namespace {

TEST(Catalogue, EveryEntryIsComplete) {
  std::set<std::string> names;
  std::set<std::string> paths;
  for (const CatalogueEntry& entry : built_in_catalogue()) {
    EXPECT_TRUE(names.insert(entry.name).second) << entry.name;
    EXPECT_FALSE(entry.licence.empty()) << entry.name;
    EXPECT_FALSE(entry.origin.empty()) << entry.name;
    ASSERT_FALSE(entry.files.empty()) << entry.name;
    for (const CatalogueFile& file : entry.files) {
      EXPECT_TRUE(paths.insert(file.path).second) << file.path;
      EXPECT_FALSE(file.path.starts_with('/') || file.path.find("..") != std::string::npos);
      EXPECT_EQ(file.sha256.find_first_not_of("0123456789abcdef"), std::string::npos);
      EXPECT_EQ(file.sha256.size(), 64u) << file.path;
      EXPECT_GT(file.bytes, 0u) << file.path;
      ASSERT_FALSE(file.sources.empty()) << file.path;
      for (const FileSource& source : file.sources) EXPECT_FALSE(source.empty()) << file.path;
    }
  }
}

TEST(Catalogue, DefaultsAreInIt) {
  for (std::string_view name : default_models()) {
    EXPECT_TRUE(find_entry(built_in_catalogue(), name)) << name;
  }
}

TEST(Catalogue, TheLanguageModelFitsTheMachine) {
  EXPECT_EQ(default_language_model(2'000'000'000), "smollm2-135m");
  EXPECT_EQ(default_language_model(8'000'000'000), "qwen2.5-coder-0.5b");
}

}  // namespace
}  // namespace tenwatt::store
