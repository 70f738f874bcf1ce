// Child processes without a shell: helpers that talk over pipes, and commands that run to an end.
// Not a job-control library: one child, its three streams, a deadline, and the certainty that it
// is killed (with its children) and reaped when its owner goes away.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace tenwatt {

/// What a stream of the child is connected to.
enum class Stream { kNull, kInherit, kPipe };

/// What to start. Limits of 0 mean none.
struct ProcessOptions {
  std::vector<std::string> arguments;  ///< [0] is the program, looked up in PATH without a slash
  std::vector<std::pair<std::string, std::string>> environment;  ///< added to the inherited one
  std::string working_folder;                                    ///< empty: inherited
  Stream standard_input = Stream::kNull;
  Stream standard_output = Stream::kPipe;
  Stream standard_error = Stream::kInherit;
  uint64_t memory_limit_bytes = 0;  ///< address space (RLIMIT_AS)
  uint64_t cpu_limit_seconds = 0;   ///< processor time (RLIMIT_CPU)
  std::function<void()> tick;       ///< called by run_process at least every 50 ms while it waits
};

/// How a child ended: its exit status, or the signal that killed it (then exit_status is -1).
struct ProcessExit {
  int exit_status = -1;
  int signal = 0;
  bool ok() const { return exit_status == 0; }
};

/// A running child. Move-only; not for concurrent calls on one object. The destructor kills and
/// reaps a child that was not waited for. Deadlines are durations from the call on; when one
/// passes, the call fails with kIo ("... took longer than ...").
class Process {
 public:
  using Duration = std::chrono::milliseconds;

  /// kNotFound if the program isn't in PATH or can't be executed.
  static Result<Process> start(const ProcessOptions& options);
  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;
  ~Process();

  pid_t id() const { return id_; }
  /// Writes everything to the child's standard input (a pipe).
  Status write(std::string_view bytes, Duration timeout);
  /// Ends the child's standard input.
  void close_input();
  /// The next line of standard output without its newline; kNotFound at the end of the stream,
  /// kOutOfRange beyond `limit` bytes.
  Result<std::string> read_line(Duration timeout, size_t limit = size_t{1} << 20);
  /// Exactly `count` bytes of standard output; kNotFound if the stream ends before.
  Result<std::string> read_exactly(size_t count, Duration timeout);
  /// Waits for the child to end. Pipes that are still full may keep it from ending.
  Result<ProcessExit> wait(Duration timeout);
  /// Kills the child and its process group, and reaps it.
  void kill();

 private:
  Process() = default;
  friend struct ProcessRunner;
  Status fill_buffer(std::chrono::steady_clock::time_point deadline, Duration timeout);

  pid_t id_ = -1;
  int input_ = -1;   // our end of the child's standard input
  int output_ = -1;  // ... of its standard output
  int error_ = -1;   // ... of its standard error
  std::string name_;
  std::string buffer_;  // output read and not yet returned
};

/// What a command that ran to its end has left.
struct ProcessOutput {
  ProcessExit exit;
  std::string output;  ///< standard output, if it was a pipe
  std::string error;   ///< standard error, if it was a pipe
};

/// Runs a command to its end: `input` is fed to standard input (if that is a pipe) while both
/// outputs are collected, each up to `limit` bytes (the rest is read and dropped). Kills it when
/// `timeout` passes (kIo) or `*cancel` becomes true (kCancelled). A command that fails is not an
/// error here: look at `exit`.
Result<ProcessOutput> run_process(const ProcessOptions& options, std::string_view input,
                                  Process::Duration timeout,
                                  const std::atomic<bool>* cancel = nullptr,
                                  size_t limit = size_t{16} << 20);

}  // namespace tenwatt
