// Messages of a library belong to the program that embeds it.
#include "base/log.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tenwatt {
namespace {

struct Log : ::testing::Test {
  void TearDown() override {
    set_log_sink({});
    set_log_level(LogLevel::kInformation);
  }
  std::vector<std::pair<LogLevel, std::string>> heard;
  void listen() {
    set_log_sink(
        [this](LogLevel level, std::string_view message) { heard.emplace_back(level, message); });
  }
};

TEST_F(Log, ASinkGetsWhatTheLevelLetsThroughInsteadOfStandardError) {
  listen();
  ::testing::internal::CaptureStderr();
  log_error("one");
  log_warning("two");
  log_information("three");
  log_debug("four");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
  EXPECT_EQ(heard, (std::vector<std::pair<LogLevel, std::string>>{
                       {LogLevel::kError, "one"},
                       {LogLevel::kWarning, "two"},
                       {LogLevel::kInformation, "three"},
                   }));
  set_log_level(LogLevel::kTrace);
  log_trace("five");
  EXPECT_EQ(heard.back().second, "five");
}

TEST_F(Log, QuietMeansErrorsOnly) {
  listen();
  set_log_level(LogLevel::kError);
  log_warning("dropped");
  log_error("kept");
  ASSERT_EQ(heard.size(), 1U);
  EXPECT_EQ(heard[0].second, "kept");
}

TEST_F(Log, WithoutASinkMessagesGoToStandardErrorAgain) {
  listen();
  set_log_sink({});
  ::testing::internal::CaptureStderr();
  log_warning("plain");
  EXPECT_NE(::testing::internal::GetCapturedStderr().find("warning: plain"), std::string::npos);
  EXPECT_TRUE(heard.empty());
}

}  // namespace
}  // namespace tenwatt
