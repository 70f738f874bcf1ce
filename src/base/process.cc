// Between fork and exec only async-signal-safe calls are made, on memory prepared before the
// fork, because other threads may hold any lock. A close-on-exec pipe carries the error number of
// a failed exec back, so "no such program" is told apart from a program that fails.
#include "base/process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <thread>

extern char** environ;

namespace tenwatt {
namespace {

using SteadyClock = std::chrono::steady_clock;

std::string system_message(int number) { return std::strerror(number); }

std::unexpected<Error> too_slow(const std::string& name, Process::Duration timeout) {
  return fail(ErrorCode::kIo,
              name + " took longer than " + std::to_string(timeout.count()) + " ms");
}

int remaining_ms(SteadyClock::time_point deadline) {
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(deadline - SteadyClock::now()).count();
  return static_cast<int>(std::clamp<int64_t>(left, 0, 1'000'000));
}

void close_and_clear(int& descriptor) {
  if (descriptor >= 0) ::close(descriptor);
  descriptor = -1;
}

// Both ends of a pipe; whatever was not handed over is closed.
struct Pipe {
  int read_end = -1;
  int write_end = -1;
  Pipe() = default;
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    close_and_clear(read_end);
    close_and_clear(write_end);
  }
  Status open() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
      return fail(ErrorCode::kIo, "can't make a pipe: " + system_message(errno));
    }
    read_end = ends[0];
    write_end = ends[1];
    return {};
  }
};

Result<std::string> find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) return name;
  const char* path = std::getenv("PATH");
  std::string_view rest = path != nullptr ? path : "/usr/local/bin:/usr/bin:/bin";
  while (!name.empty()) {
    const size_t colon = rest.find(':');
    std::string candidate(rest.substr(0, colon));
    candidate += candidate.empty() ? "./" + name : "/" + name;
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
    if (colon == std::string_view::npos) break;
    rest.remove_prefix(colon + 1);
  }
  return fail(ErrorCode::kNotFound, "no program '" + name + "' in PATH",
              "install it, or put its folder in PATH");
}

std::vector<std::string> merged_environment(const ProcessOptions& options) {
  std::vector<std::string> merged;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::string_view key = text.substr(0, text.find('='));
    const bool replaced = std::ranges::any_of(options.environment,
                                              [&](const auto& pair) { return pair.first == key; });
    if (!replaced) merged.emplace_back(text);
  }
  for (const auto& [key, value] : options.environment) merged.push_back(key + "=" + value);
  return merged;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> list;
  list.reserve(strings.size() + 1);
  for (std::string& text : strings) list.push_back(text.data());
  list.push_back(nullptr);
  return list;
}

// Everything the child needs, prepared before the fork.
struct ChildPlan {
  const char* program = nullptr;
  char** arguments = nullptr;
  char** environment = nullptr;
  const char* folder = nullptr;
  std::array<int, 3> descriptors = {-1, -1, -1};  // to become 0, 1, 2; -1 keeps the inherited one
  int report = -1;
  rlimit memory = {0, 0};
  rlimit processor = {0, 0};
};

[[noreturn]] void run_child(const ChildPlan& plan) {
  ::setpgid(0, 0);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  bool ready = true;
  for (int target = 0; target < 3 && ready; ++target) {
    const int source = plan.descriptors[static_cast<size_t>(target)];
    if (source >= 0) ready = ::dup2(source, target) == target;
  }
  if (ready && plan.memory.rlim_cur != 0) ready = ::setrlimit(RLIMIT_AS, &plan.memory) == 0;
  if (ready && plan.processor.rlim_cur != 0) ready = ::setrlimit(RLIMIT_CPU, &plan.processor) == 0;
  if (ready && plan.folder != nullptr) ready = ::chdir(plan.folder) == 0;
  if (ready) ::execve(plan.program, plan.arguments, plan.environment);
  const int number = errno;
  if (::write(plan.report, &number, sizeof number) < 0) ::_exit(126);
  ::_exit(127);
}

// A descriptor of /dev/null that is not 0, 1 or 2 (a parent may run with those closed).
Result<int> open_null() {
  const int descriptor = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (descriptor < 0) {
    return fail(ErrorCode::kIo, "can't open /dev/null: " + system_message(errno));
  }
  const int high = ::fcntl(descriptor, F_DUPFD_CLOEXEC, 3);
  ::close(descriptor);
  if (high < 0) {
    return fail(ErrorCode::kIo, "can't duplicate a descriptor: " + system_message(errno));
  }
  return high;
}

void make_nonblocking(int descriptor) {
  const int flags = ::fcntl(descriptor, F_GETFL);
  ::fcntl(descriptor, F_SETFL, flags | O_NONBLOCK);
}

// Writing to a child that has gone must be an error, not the end of this process.
void ignore_broken_pipes() {
  static const bool done = [] {
    struct sigaction current{};
    if (::sigaction(SIGPIPE, nullptr, &current) == 0 && current.sa_handler == SIG_DFL) {
      ::signal(SIGPIPE, SIG_IGN);
    }
    return true;
  }();
  (void)done;
}

ProcessExit exit_of(int status) {
  if (WIFEXITED(status)) return {WEXITSTATUS(status), 0};
  return {-1, WIFSIGNALED(status) ? WTERMSIG(status) : 0};
}

}  // namespace

Result<Process> Process::start(const ProcessOptions& options) {
  if (options.arguments.empty()) {
    return fail(ErrorCode::kInvalidArgument, "no program was named");
  }
  ignore_broken_pipes();
  const std::string program = TENWATT_TRY(find_program(options.arguments[0]));
  std::vector<std::string> arguments = options.arguments;
  std::vector<std::string> environment = merged_environment(options);
  std::vector<char*> argument_list = pointers(arguments);
  std::vector<char*> environment_list = pointers(environment);

  Pipe report;
  TENWATT_TRY(report.open());
  Pipe null_device;
  null_device.read_end = TENWATT_TRY(open_null());
  const std::array streams = {options.standard_input, options.standard_output,
                              options.standard_error};
  std::array<Pipe, 3> pipes;
  ChildPlan plan;
  for (size_t index = 0; index < streams.size(); ++index) {
    if (streams[index] == Stream::kNull) plan.descriptors[index] = null_device.read_end;
    if (streams[index] != Stream::kPipe) continue;
    TENWATT_TRY(pipes[index].open());
    plan.descriptors[index] = index == 0 ? pipes[index].read_end : pipes[index].write_end;
  }
  plan.program = program.c_str();
  plan.arguments = argument_list.data();
  plan.environment = environment_list.data();
  plan.folder = options.working_folder.empty() ? nullptr : options.working_folder.c_str();
  plan.report = report.write_end;
  plan.memory = {options.memory_limit_bytes, options.memory_limit_bytes};
  plan.processor = {options.cpu_limit_seconds, options.cpu_limit_seconds};

  const pid_t id = ::fork();
  if (id < 0) return fail(ErrorCode::kIo, "can't start a process: " + system_message(errno));
  if (id == 0) run_child(plan);

  ::setpgid(id, id);  // in both, so that neither order of events leaves the group unset
  Process process;
  process.id_ = id;
  process.name_ = options.arguments[0];
  process.input_ = std::exchange(pipes[0].write_end, -1);
  process.output_ = std::exchange(pipes[1].read_end, -1);
  process.error_ = std::exchange(pipes[2].read_end, -1);
  for (int descriptor : {process.input_, process.output_, process.error_}) {
    if (descriptor >= 0) make_nonblocking(descriptor);
  }
  close_and_clear(report.write_end);
  int number = 0;
  ssize_t got = 0;
  do {
    got = ::read(report.read_end, &number, sizeof number);
  } while (got < 0 && errno == EINTR);
  if (got == static_cast<ssize_t>(sizeof number)) {
    return fail(ErrorCode::kNotFound,
                "can't run '" + options.arguments[0] + "': " + system_message(number));
  }
  return process;
}

Process::Process(Process&& other) noexcept { *this = std::move(other); }

Process& Process::operator=(Process&& other) noexcept {
  if (this == &other) return *this;
  kill();
  id_ = std::exchange(other.id_, -1);
  input_ = std::exchange(other.input_, -1);
  output_ = std::exchange(other.output_, -1);
  error_ = std::exchange(other.error_, -1);
  name_ = std::move(other.name_);
  buffer_ = std::move(other.buffer_);
  return *this;
}

Process::~Process() { kill(); }

void Process::close_input() { close_and_clear(input_); }

void Process::kill() {
  close_and_clear(input_);
  close_and_clear(output_);
  close_and_clear(error_);
  if (id_ <= 0) return;
  ::kill(-id_, SIGKILL);
  ::kill(id_, SIGKILL);
  while (::waitpid(id_, nullptr, 0) < 0 && errno == EINTR) {
  }
  id_ = -1;
}

Status Process::write(std::string_view bytes, Duration timeout) {
  const auto deadline = SteadyClock::now() + timeout;
  while (!bytes.empty()) {
    if (input_ < 0) return fail(ErrorCode::kIo, "the input of " + name_ + " is closed");
    const ssize_t count = ::write(input_, bytes.data(), bytes.size());
    if (count > 0) {
      bytes.remove_prefix(static_cast<size_t>(count));
      continue;
    }
    if (count < 0 && errno != EAGAIN && errno != EINTR) {
      return fail(ErrorCode::kIo, "can't write to " + name_ + ": " + system_message(errno));
    }
    pollfd wanted = {input_, POLLOUT, 0};
    if (::poll(&wanted, 1, remaining_ms(deadline)) == 0) return too_slow(name_, timeout);
  }
  return {};
}

// Adds what standard output has to the buffer; kNotFound at its end.
Status Process::fill_buffer(SteadyClock::time_point deadline, Duration timeout) {
  if (output_ < 0) return fail(ErrorCode::kIo, "the output of " + name_ + " is not a pipe");
  std::array<char, 65536> chunk;
  while (true) {
    const ssize_t count = ::read(output_, chunk.data(), chunk.size());
    if (count > 0) {
      buffer_.append(chunk.data(), static_cast<size_t>(count));
      return {};
    }
    if (count == 0) return fail(ErrorCode::kNotFound, name_ + " has ended its output");
    if (errno != EAGAIN && errno != EINTR) {
      return fail(ErrorCode::kIo, "can't read from " + name_ + ": " + system_message(errno));
    }
    pollfd wanted = {output_, POLLIN, 0};
    if (::poll(&wanted, 1, remaining_ms(deadline)) == 0) return too_slow(name_, timeout);
  }
}

Result<std::string> Process::read_line(Duration timeout, size_t limit) {
  const auto deadline = SteadyClock::now() + timeout;
  size_t searched = 0;
  while (true) {
    const size_t newline = buffer_.find('\n', searched);
    if (newline != std::string::npos && newline <= limit) {
      std::string line = buffer_.substr(0, newline);
      buffer_.erase(0, newline + 1);
      return line;
    }
    if (buffer_.size() > limit) {
      return fail(ErrorCode::kOutOfRange, "a line of " + name_ + " is too long");
    }
    searched = buffer_.size();
    TENWATT_TRY(fill_buffer(deadline, timeout));
  }
}

Result<std::string> Process::read_exactly(size_t count, Duration timeout) {
  const auto deadline = SteadyClock::now() + timeout;
  while (buffer_.size() < count) TENWATT_TRY(fill_buffer(deadline, timeout));
  std::string bytes = buffer_.substr(0, count);
  buffer_.erase(0, count);
  return bytes;
}

Result<ProcessExit> Process::wait(Duration timeout) {
  if (id_ <= 0) return fail(ErrorCode::kInvalidArgument, name_ + " has already ended");
  const auto deadline = SteadyClock::now() + timeout;
  auto pause = std::chrono::microseconds(200);
  while (true) {
    int status = 0;
    const pid_t ended = ::waitpid(id_, &status, WNOHANG);
    if (ended == id_) {
      id_ = -1;
      return exit_of(status);
    }
    if (ended < 0 && errno != EINTR) {
      return fail(ErrorCode::kIo, "can't wait for " + name_ + ": " + system_message(errno));
    }
    if (SteadyClock::now() >= deadline) return too_slow(name_, timeout);
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, std::chrono::microseconds(20000));
  }
}

// The loop of run_process: all three streams at once, so that none can fill up and block.
struct ProcessRunner {
  Process process;
  std::string_view input;
  size_t limit;
  ProcessOutput result;

  // Reads what is there; closes the descriptor at the end of the stream.
  void drain(int& descriptor, std::string& into) const {
    std::array<char, 65536> chunk;
    while (descriptor >= 0) {
      const ssize_t count = ::read(descriptor, chunk.data(), chunk.size());
      if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
      if (count <= 0) return close_and_clear(descriptor);
      into.append(chunk.data(), std::min(static_cast<size_t>(count), limit - into.size()));
    }
  }

  void feed() {
    while (process.input_ >= 0 && !input.empty()) {
      const ssize_t count = ::write(process.input_, input.data(), input.size());
      if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
      if (count < 0) break;
      input.remove_prefix(static_cast<size_t>(count));
    }
    process.close_input();
  }

  void exchange(int wait_ms) {
    feed();
    std::array<pollfd, 3> wanted = {pollfd{process.input_, POLLOUT, 0},
                                    pollfd{process.output_, POLLIN, 0},
                                    pollfd{process.error_, POLLIN, 0}};
    ::poll(wanted.data(), wanted.size(), wait_ms);
    drain(process.output_, result.output);
    drain(process.error_, result.error);
  }

  bool streams_open() const {
    return process.input_ >= 0 || process.output_ >= 0 || process.error_ >= 0;
  }
};

Result<ProcessOutput> run_process(const ProcessOptions& options, std::string_view input,
                                  Process::Duration timeout, const std::atomic<bool>* cancel,
                                  size_t limit) {
  const auto deadline = SteadyClock::now() + timeout;
  ProcessRunner runner{TENWATT_TRY(Process::start(options)), input, limit, {}};
  const std::string name = options.arguments[0];
  const auto stopped = [&] { return cancel != nullptr && cancel->load(); };
  constexpr int kPollMs = 50;
  while (true) {
    if (stopped()) return fail(ErrorCode::kCancelled, name + " was cancelled");
    const int left = remaining_ms(deadline);
    if (left == 0) return too_slow(name, timeout);
    if (options.tick) options.tick();
    if (runner.streams_open()) runner.exchange(std::min(left, kPollMs));
    // A grandchild may hold the pipes open after the child has ended, so both are watched.
    const Result<ProcessExit> ended =
        runner.process.wait(Process::Duration(runner.streams_open() ? 0 : std::min(left, kPollMs)));
    if (!ended) continue;
    if (runner.streams_open()) runner.exchange(0);
    runner.result.exit = *ended;
    return std::move(runner.result);
  }
}

}  // namespace tenwatt
