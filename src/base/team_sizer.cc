#include "base/team_sizer.h"

#include <algorithm>

namespace tenwatt {
namespace {

/// Stalls of an uneven but undisturbed job stay below this: one of two members that has a third of
/// the work waits for half of the time.
constexpr double kTooLong = 0.6;

}  // namespace

void TeamSizer::ran(int members, Duration took, Duration stalled, Duration now) {
  if (members < most_) return;
  took_ += took;
  stalled_ += stalled;
  if (took_ < kWindow) return;
  const double share = static_cast<double>(stalled_.count()) / static_cast<double>(took_.count());
  took_ = stalled_ = Duration{0};
  if (share <= kTooLong) {
    pause_ = kFirstPause;
    return;
  }
  // So many members do the same work in the same time if they never wait.
  fewer_ = std::max(1, static_cast<int>(most_ * (1 - share)));
  again_ = now + pause_;
  pause_ = std::min(2 * pause_, kLongestPause);
}

}  // namespace tenwatt
