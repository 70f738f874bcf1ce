// Plain stdio, flushed at once, so that data and messages keep their order.
#include "cli/output.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace tenwatt::cli {

Status print(std::string_view text) {
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
  if (written && std::fflush(stdout) == 0) return {};
  return fail(ErrorCode::kIo,
              std::string("can't write to standard output: ") + std::strerror(errno));
}

void print_error(const Error& error) {
  std::string text = "error: " + error.message + "\n";
  if (!error.remedy.empty()) text += "  try: " + error.remedy + "\n";
  std::fwrite(text.data(), 1, text.size(), stderr);
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
