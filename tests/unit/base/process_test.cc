// Child processes: streams, deadlines, limits, and nothing left behind.
#include "base/process.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <string>

namespace tenwatt {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

ProcessOptions command(std::vector<std::string> arguments) {
  ProcessOptions options;
  options.arguments = std::move(arguments);
  options.standard_input = Stream::kPipe;
  options.standard_error = Stream::kPipe;
  return options;
}

TEST(Process, ArgumentsPassUntouchedByAnyShell) {
  const auto result = run_process(command({"printf", "%s", "$HOME `id` ; a  b"}), "", seconds(20));
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->output, "$HOME `id` ; a  b");
  EXPECT_TRUE(result->exit.ok());
}

TEST(Process, FeedsInputLargerThanAPipeWhileReadingOutput) {
  const std::string text(3'000'000, 'x');
  const auto result = run_process(command({"cat"}), text, seconds(60));
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->output, text);
}

TEST(Process, KeepsTheTwoOutputsAndTheStatusApart) {
  const auto result =
      run_process(command({"sh", "-c", "echo out; echo err >&2; exit 7"}), "", seconds(20));
  ASSERT_TRUE(result);
  EXPECT_EQ(result->output, "out\n");
  EXPECT_EQ(result->error, "err\n");
  EXPECT_EQ(result->exit.exit_status, 7);
}

TEST(Process, OutputBeyondTheLimitIsDropped) {
  const auto result = run_process(command({"sh", "-c", "head -c 100000 /dev/zero"}), "",
                                  seconds(20), nullptr, 1000);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->output.size(), 1000u);
}

TEST(Process, MissingProgramIsNotFound) {
  const auto by_name = Process::start(command({"no-such-program-here"}));
  ASSERT_FALSE(by_name);
  EXPECT_EQ(by_name.error().code, ErrorCode::kNotFound);
  const auto by_path = Process::start(command({"/nowhere/program"}));
  ASSERT_FALSE(by_path);
  EXPECT_EQ(by_path.error().code, ErrorCode::kNotFound);
}

TEST(Process, TalksLineByLine) {
  auto child = Process::start(command({"cat"}));
  ASSERT_TRUE(child);
  for (const std::string line : {"one", "", "three"}) {
    ASSERT_TRUE(child->write(line + "\n", seconds(20)));
    EXPECT_EQ(child->read_line(seconds(20)).value(), line);
  }
  child->close_input();
  EXPECT_EQ(child->read_line(seconds(20)).error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(child->wait(seconds(20))->ok());
}

TEST(Process, ReadsBinaryReplies) {
  auto child = Process::start(command({"printf", "5\\nab\\0cdrest"}));
  ASSERT_TRUE(child);
  EXPECT_EQ(child->read_line(seconds(20)).value(), "5");
  EXPECT_EQ(child->read_exactly(5, seconds(20)).value(), std::string("ab\0cd", 5));
  EXPECT_EQ(child->read_exactly(5, seconds(20)).error().code, ErrorCode::kNotFound);
}

TEST(Process, EndlessLineIsRefused) {
  auto child = Process::start(command({"cat", "/dev/zero"}));
  ASSERT_TRUE(child);
  EXPECT_EQ(child->read_line(seconds(20), 1000).error().code, ErrorCode::kOutOfRange);
}

TEST(Process, SilentChildRunsIntoTheDeadline) {
  auto child = Process::start(command({"sleep", "600"}));
  ASSERT_TRUE(child);
  EXPECT_EQ(child->read_line(milliseconds(30)).error().code, ErrorCode::kIo);
  EXPECT_EQ(child->wait(milliseconds(30)).error().code, ErrorCode::kIo);
  const auto result = run_process(command({"sleep", "600"}), "", milliseconds(30));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kIo);
}

TEST(Process, DestructionKillsTheChildAndItsChildren) {
  pid_t grandchild = 0;
  {
    auto child = Process::start(command({"sh", "-c", "sleep 600 & echo $!; wait"}));
    ASSERT_TRUE(child);
    grandchild = std::stoi(child->read_line(seconds(20)).value());
    EXPECT_EQ(::kill(grandchild, 0), 0);
  }
  // The grandchild is reaped by init (or stays a zombie where there is none).
  for (int attempt = 0; attempt < 200; ++attempt) {
    if (::kill(grandchild, 0) != 0) return;
    FILE* file = ::fopen(("/proc/" + std::to_string(grandchild) + "/stat").c_str(), "r");
    if (file == nullptr) return;
    char state = 0;
    const int read = ::fscanf(file, "%*d %*s %c", &state);
    ::fclose(file);
    if (read == 1 && state == 'Z') return;
    ::usleep(10000);
  }
  FAIL() << "process " << grandchild << " still runs";
}

TEST(Process, CancelEndsTheRun) {
  std::atomic<bool> cancel = true;
  const auto result = run_process(command({"sleep", "600"}), "", seconds(600), &cancel);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::kCancelled);
}

TEST(Process, EnvironmentFolderAndTimeLimitApply) {
  ProcessOptions options = command({"sh", "-c", "echo $GREETING; pwd; ulimit -t"});
  options.environment = {{"GREETING", "hello"}};
  options.working_folder = "/";
  options.cpu_limit_seconds = 100;
  const auto result = run_process(options, "", seconds(20));
  ASSERT_TRUE(result);
  EXPECT_EQ(result->output, "hello\n/\n100\n");
}

/// Whether this machine takes limits of memory; an emulator of processors says yes and does
/// nothing.
bool takes_memory_limits() {
  rlimit before{};
  ::getrlimit(RLIMIT_AS, &before);
  rlimit probe = before;
  probe.rlim_cur = std::min<rlim_t>(before.rlim_max, rlim_t{1} << 46);
  ::setrlimit(RLIMIT_AS, &probe);
  rlimit after{};
  ::getrlimit(RLIMIT_AS, &after);
  ::setrlimit(RLIMIT_AS, &before);
  return after.rlim_cur == probe.rlim_cur;
}

TEST(Process, MemoryLimitApplies) {
  if (!takes_memory_limits()) GTEST_SKIP() << "an emulator keeps this limit to itself";
  ProcessOptions options = command({"sh", "-c", "ulimit -v"});
  options.memory_limit_bytes = uint64_t{1} << 30;
  const auto result = run_process(options, "", seconds(20));
  ASSERT_TRUE(result);
  EXPECT_EQ(result->output, "1048576\n");
}

TEST(Process, SignalIsReported) {
  const auto result = run_process(command({"sh", "-c", "kill -9 $$"}), "", seconds(20));
  ASSERT_TRUE(result);
  EXPECT_EQ(result->exit.signal, SIGKILL);
  EXPECT_FALSE(result->exit.ok());
}

TEST(Process, WritingToAChildThatHasGoneIsAnError) {
  auto child = Process::start(command({"true"}));
  ASSERT_TRUE(child);
  ASSERT_TRUE(child->wait(seconds(20)));
  EXPECT_FALSE(child->write(std::string(1 << 20, 'x'), seconds(20)));
}

}  // namespace
}  // namespace tenwatt
