// Runs the program as a shell would: words in, streams and exit code out, in a home of its own.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/paths.h"
#include "cli/run.h"

namespace tenwatt::cli {

class ProgramFixture : public ::testing::Test {
 protected:
  void SetUp() override {
    folder = ::testing::TempDir() + "tenwatt_program";
    std::filesystem::remove_all(folder);
    ::setenv("TENWATT_HOME", folder.c_str(), 1);
  }
  void TearDown() override {
    ::unsetenv("TENWATT_HOME");
    std::filesystem::remove_all(folder);
    set_log_level(LogLevel::kInformation);
  }
  int run(const std::vector<std::string>& words) {
    ::testing::internal::CaptureStdout();
    ::testing::internal::CaptureStderr();
    const int code = run_program(words);
    out = ::testing::internal::GetCapturedStdout();
    err = ::testing::internal::GetCapturedStderr();
    return code;
  }
  std::string folder;
  std::string out;
  std::string err;
};

}  // namespace tenwatt::cli
