// hostile [NAME...]: attacks all parsers of the program (or the named ones) and prints a line each:
// mutants, how many were accepted, the slowest in milliseconds and the most memory that one took
// beyond what was resident before, in MB. Fails if one takes more than 5 s or more than twice its
// size and 64 MB. `hostile --write FOLDER` writes the examples, the seeds of the fuzzers.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

#include "base/log.h"
#include "fuzz/parser.h"

namespace {

using tenwatt::fuzz::Parser;

constexpr double kMaxMilliseconds = 5000;
constexpr double kMaxMegabytes = 64;

// A line of /proc/self/status in MB ("VmHWM:", "VmRSS:").
double status_megabytes(const char* key) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(key)) return std::strtod(line.c_str() + std::strlen(key), nullptr) / 1000;
  }
  return 0;
}

// Makes the peak start again from what is resident now; false where the kernel can't.
bool reset_peak() {
  const int descriptor = ::open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
  const bool done = descriptor >= 0 && ::write(descriptor, "5", 1) == 1;
  if (descriptor >= 0) ::close(descriptor);
  return done;
}

// True if every mutant kept the bounds.
bool attack(const Parser& parser) {
  const std::string valid = parser.example();
  const bool example_accepted = parser.accepts(valid);
  int accepted = 0;
  double slowest = 0;
  double most = 0;
  for (int index = 0; index < tenwatt::fuzz::kMutants; ++index) {
    const std::string bytes = tenwatt::fuzz::mutant(valid, index);
    const double before = reset_peak() ? status_megabytes("VmRSS:") : 0;
    const auto begin = std::chrono::steady_clock::now();
    accepted += parser.accepts(bytes) ? 1 : 0;
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin;
    slowest = std::max(slowest, took.count());
    if (before > 0) most = std::max(most, status_megabytes("VmHWM:") - before);
  }
  const double bound = kMaxMegabytes + 2 * static_cast<double>(valid.size()) / 1e6;
  const bool good = example_accepted && slowest <= kMaxMilliseconds && most <= bound;
  std::printf("%-22s %7zu bytes  %5d mutants  %5d accepted  %8.1f ms  %6.1f MB  %s\n",
              parser.name.c_str(), valid.size(), tenwatt::fuzz::kMutants, accepted, slowest, most,
              !example_accepted ? "EXAMPLE REFUSED"
              : good            ? "good"
                                : "TOO MUCH");
  std::fflush(stdout);
  return good;
}

void write_example(const Parser& parser, const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder / parser.name);
  const std::string bytes = parser.example();
  std::ofstream(folder / parser.name / "example", std::ios::binary) << bytes;
}

}  // namespace

int main(int count, char** words) {
  tenwatt::set_log_level(tenwatt::LogLevel::kError);
  const std::vector<std::string> arguments(words + 1, words + count);
  bool good = true;
  for (const Parser& parser : tenwatt::fuzz::parsers()) {
    if (arguments.size() == 2 && arguments[0] == "--write") {
      write_example(parser, arguments[1]);
    } else if (arguments.empty() || std::ranges::find(arguments, parser.name) != arguments.end()) {
      good = attack(parser) && good;
    }
  }
  return good ? 0 : 1;
}
