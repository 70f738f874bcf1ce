// hostile [NAME...]: attacks all parsers of the program (or the named ones) with mutants of a valid
// file and with the kept corpus of its fuzzer, and prints a line each: mutants, kept files, how
// many were accepted, the slowest in milliseconds and the most memory that one took beyond what was
// resident before, in MB. Fails if one takes more than 5 s or more than twice its
// size and 64 MB. `hostile --write FOLDER` writes the examples, the seeds of the fuzzers.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
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

// The kept corpus of a parser's fuzzer.
std::vector<std::string> kept_files(const Parser& parser) {
  std::vector<std::string> files;
  const auto folder = std::filesystem::path(TENWATT_SOURCE_DIR) / "tests/fuzz/corpus" / parser.name;
  std::error_code absent;
  for (const auto& entry : std::filesystem::directory_iterator(folder, absent)) {
    std::ifstream file(entry.path(), std::ios::binary);
    files.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return files;
}

struct Measured {
  int accepted = 0;
  double slowest = 0;  // ms
  double most = 0;     // MB
};

void measure(const Parser& parser, const std::string& bytes, Measured& measured) {
  const double before = reset_peak() ? status_megabytes("VmRSS:") : 0;
  const auto begin = std::chrono::steady_clock::now();
  measured.accepted += parser.accepts(bytes) ? 1 : 0;
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin;
  measured.slowest = std::max(measured.slowest, took.count());
  if (before > 0) measured.most = std::max(measured.most, status_megabytes("VmHWM:") - before);
}

// True if every file kept the bounds.
bool attack(const Parser& parser) {
  const std::string valid = parser.example();
  const bool example_accepted = parser.accepts(valid);
  Measured measured;
  for (int index = 0; index < tenwatt::fuzz::kMutants; ++index) {
    measure(parser, tenwatt::fuzz::mutant(valid, index), measured);
  }
  const std::vector<std::string> kept = kept_files(parser);
  for (const std::string& bytes : kept) measure(parser, bytes, measured);
  const double bound = kMaxMegabytes + 2 * static_cast<double>(valid.size()) / 1e6;
  const bool good =
      example_accepted && measured.slowest <= kMaxMilliseconds && measured.most <= bound;
  std::printf("%-22s %7zu bytes  %5d mutants  %4zu kept  %5d accepted  %8.1f ms  %6.1f MB  %s\n",
              parser.name.c_str(), valid.size(), tenwatt::fuzz::kMutants, kept.size(),
              measured.accepted, measured.slowest, measured.most,
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
