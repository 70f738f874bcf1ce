// The bar is redrawn in place; each line is cut to the terminal, so that it never wraps.
#include "cli/progress_bar.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "base/log.h"
#include "cli/output.h"

namespace tenwatt::cli {
namespace {

constexpr size_t kBarColumns = 30;

size_t terminal_columns() {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 20) return 80;
  return size.ws_col;
}

}  // namespace

std::string progress_line(const PullReport& report, double seconds, size_t columns) {
  const double share = report.total_bytes == 0 ? 1
                                               : static_cast<double>(report.done_bytes) /
                                                     static_cast<double>(report.total_bytes);
  const auto filled = static_cast<size_t>(share * kBarColumns);
  const std::string bar = std::string(filled, '#') + std::string(kBarColumns - filled, ' ');
  const double speed = seconds > 0.5 ? static_cast<double>(report.done_bytes) / seconds : 0;
  std::string line = fmt::format("[{}] {:3.0f} %  {} of {}", bar, share * 100,
                                 human_bytes(report.done_bytes), human_bytes(report.total_bytes));
  if (speed > 0) line += fmt::format("  {}/s", human_bytes(static_cast<uint64_t>(speed)));
  if (!report.doing.empty()) line += "  " + report.doing;
  return line.substr(0, columns > 1 ? columns - 1 : 0);
}

BarStyle bar_style() {
  if (log_level() == LogLevel::kError) return BarStyle::kSilent;
  return ::isatty(STDERR_FILENO) != 0 ? BarStyle::kBar : BarStyle::kLines;
}

ProgressBar::ProgressBar(BarStyle style) : style_(style) {}

ProgressBar::~ProgressBar() {
  if (drawn_) std::fputc('\n', stderr);
}

void ProgressBar::show(const PullReport& report) {
  if (style_ == BarStyle::kLines && !report.completed.empty()) {
    std::fputs(("complete: " + report.completed + "\n").c_str(), stderr);
  }
  if (style_ != BarStyle::kBar) return;
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start_;
  std::fputs(("\r\x1b[K" + progress_line(report, elapsed.count(), terminal_columns())).c_str(),
             stderr);
  std::fflush(stderr);
  drawn_ = true;
}

}  // namespace tenwatt::cli
