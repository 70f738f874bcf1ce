// Plain stdio, flushed at once, so that data and messages keep their order.
#include "cli/output.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iterator>

namespace tenwatt::cli {
namespace {

/// What helps in general against a kind of failure, where the place that failed knew nothing
/// better.
struct GeneralRemedy {
  ErrorCode code;
  std::string_view remedy;
};
constexpr GeneralRemedy kGeneralRemedies[] = {
    {ErrorCode::kNotFound, "check the name and the folder"},
    {ErrorCode::kIo, "check the path, and who may read and write there"},
    {ErrorCode::kCorrupt, "the file may be damaged or cut short: get it again"},
    {ErrorCode::kOutOfMemory, "a smaller model, or --memory map"},
    {ErrorCode::kNetwork, "the same again later: what is complete is kept"},
    {ErrorCode::kDevice, "--device cpu"},
    {ErrorCode::kInternal, "please report it, with the command"},
};

std::string_view remedy_of(const Error& error) {
  if (!error.remedy.empty()) return error.remedy;
  const auto* row = std::ranges::find(kGeneralRemedies, error.code, &GeneralRemedy::code);
  return row == std::end(kGeneralRemedies) ? std::string_view() : row->remedy;
}

}  // namespace

Status print(std::string_view text) {
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
  if (written && std::fflush(stdout) == 0) return {};
  return fail(ErrorCode::kIo,
              std::string("can't write to standard output: ") + std::strerror(errno));
}

void print_error(const Error& error) {
  std::string text = "error: " + error.message + "\n";
  if (const auto remedy = remedy_of(error); !remedy.empty()) {
    text += "  try: " + std::string(remedy) + "\n";
  }
  std::fwrite(text.data(), 1, text.size(), stderr);
}

std::string counted(uint64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string human_bytes(uint64_t bytes) {
  constexpr std::array<std::string_view, 5> kUnits = {"B", "kB", "MB", "GB", "TB"};
  auto amount = static_cast<double>(bytes);
  size_t unit = 0;
  while (amount >= 999.5 && unit + 1 < kUnits.size()) {
    amount /= 1000;
    ++unit;
  }
  const int digits = unit > 0 && amount < 9.95 ? 1 : 0;
  return fmt::format("{:.{}f} {}", amount, digits, kUnits.at(unit));
}

}  // namespace tenwatt::cli
