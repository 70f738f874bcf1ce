// How many members of a team a job gets on a machine that others use, too.
//
// A member that has lost its core holds up all others at the next barrier. Where they wait for more
// than they work, fewer members are faster; whether that still holds is tried again after a pause.
// Members are counted from what one of them measured, the machine's load is never asked for.
#pragma once

#include "base/clock.h"

namespace tenwatt {

/// Not thread-safe: the owner of a team's turn asks and reports.
class TeamSizer {
 public:
  using Duration = Clock::Duration;
  explicit TeamSizer(int most) : most_(most) {}

  /// Members for a job that starts `now`.
  int members(Duration now) const { return now < again_ ? fewer_ : most_; }
  /// A job of `members` ended `now` after `took`, of which its first member waited `stalled`.
  void ran(int members, Duration took, Duration stalled, Duration now);

  /// Jobs are judged by this much time of them.
  static constexpr Duration kWindow = std::chrono::milliseconds(15);
  /// Pauses double with every trial that fails, from the first to the longest.
  static constexpr Duration kFirstPause = std::chrono::milliseconds(50);
  static constexpr Duration kLongestPause = std::chrono::milliseconds(1000);

 private:
  const int most_;
  int fewer_ = 1;
  Duration again_{0};  // when all members are tried again
  Duration pause_ = kFirstPause;
  Duration took_{0};
  Duration stalled_{0};
};

}  // namespace tenwatt
