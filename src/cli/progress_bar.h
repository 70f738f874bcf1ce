// One progress bar on standard error for a whole pull; without a terminal, a line per file.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "tenwatt/store.h"

namespace tenwatt::cli {

/// The bar's text for a terminal of `columns`, without control characters.
std::string progress_line(const PullReport& report, double seconds, size_t columns);

enum class BarStyle { kBar, kLines, kSilent };
/// kBar on a terminal, kLines elsewhere, kSilent with -q.
BarStyle bar_style();

class ProgressBar {
 public:
  explicit ProgressBar(BarStyle style = bar_style());
  /// Ends the line of a bar that was drawn.
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;
  void show(const PullReport& report);

 private:
  BarStyle style_;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace tenwatt::cli
