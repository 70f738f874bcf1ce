// A misspelt key of the configuration file is told, with the name that was probably meant.
#include "cli/configuration_keys.h"

#include <gtest/gtest.h>

#include "unit/files/support/hostile.h"

namespace tenwatt::cli {
namespace {

std::vector<std::string> told(const std::string& toml) {
  const testing_files::TemporaryFolder folder;
  return unknown_keys(folder.write("config.toml", toml)).value();
}

TEST(ConfigurationKeys, OptionsOfVerbsAreKnown) {
  EXPECT_TRUE(told("threads = 2\ntemperature = 0.5\n[generate]\nmax-tokens = 5\n").empty());
}

TEST(ConfigurationKeys, OthersAreTold) {
  const auto sentences = told("temprature = 0.5\n[generate]\nvoice-x = 1\n[nosuch]\nthreads = 1\n");
  ASSERT_EQ(sentences.size(), 3u);
  const auto told_of = [&](const std::string& words) {
    for (const std::string& sentence : sentences) {
      if (sentence.find(words) != std::string::npos) return true;
    }
    return false;
  };
  EXPECT_TRUE(told_of("no verb has the option 'temprature'; perhaps 'temperature'"));
  EXPECT_TRUE(told_of("tenwatt generate doesn't have the option 'voice-x'"));
  EXPECT_TRUE(told_of("there is no verb 'nosuch'"));
}

TEST(ConfigurationKeys, AFileThatIsNotTomlIsAnError) {
  const testing_files::TemporaryFolder folder;
  EXPECT_EQ(unknown_keys(folder.write("config.toml", "= 1")).error().code, ErrorCode::kUsage);
}

}  // namespace
}  // namespace tenwatt::cli
