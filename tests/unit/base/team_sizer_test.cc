#include "base/team_sizer.h"

#include <gtest/gtest.h>

namespace tenwatt {
namespace {

using std::chrono::milliseconds;

TEST(TeamSizer, AJobThatDoesNotWaitKeepsAllMembers) {
  TeamSizer sizer(4);
  for (int i = 0; i < 100; ++i) {
    const milliseconds now(10 * i);
    ASSERT_EQ(sizer.members(now), 4);
    sizer.ran(4, milliseconds(10), milliseconds(5), now + milliseconds(10));
  }
}

TEST(TeamSizer, WhereMostOfTheTimeIsWaitingFewerMembersDoTheWork) {
  TeamSizer sizer(8);
  sizer.ran(8, milliseconds(100), milliseconds(75), milliseconds(100));
  EXPECT_EQ(sizer.members(milliseconds(101)), 2);
  TeamSizer pair(2);
  pair.ran(2, milliseconds(100), milliseconds(99), milliseconds(100));
  EXPECT_EQ(pair.members(milliseconds(101)), 1);
}

TEST(TeamSizer, ShortJobsAreJudgedTogether) {
  TeamSizer sizer(2);
  const auto job = milliseconds(1);
  milliseconds now(0);
  while (now < TeamSizer::kWindow - job) {
    sizer.ran(2, job, job, now += job);
    ASSERT_EQ(sizer.members(now), 2);
  }
  sizer.ran(2, job, job, now += job);
  EXPECT_EQ(sizer.members(now), 1);
}

TEST(TeamSizer, AllMembersAreTriedAgainAfterPausesThatGrowWhileTrialsFail) {
  TeamSizer sizer(2);
  TeamSizer::Duration now{0};
  TeamSizer::Duration pause = TeamSizer::kFirstPause;
  for (int trial = 0; trial < 8; ++trial) {
    ASSERT_EQ(sizer.members(now), 2);
    sizer.ran(2, TeamSizer::kWindow, TeamSizer::kWindow, now);
    EXPECT_EQ(sizer.members(now + pause - milliseconds(1)), 1);
    now += pause;
    pause = std::min(2 * pause, TeamSizer::kLongestPause);
  }
  // One good trial, and the next pause is short again.
  sizer.ran(2, TeamSizer::kWindow, milliseconds(0), now);
  ASSERT_EQ(sizer.members(now), 2);
  sizer.ran(2, TeamSizer::kWindow, TeamSizer::kWindow, now);
  EXPECT_EQ(sizer.members(now + TeamSizer::kFirstPause), 2);
}

TEST(TeamSizer, JobsOfFewerMembersSayNothingAboutAll) {
  TeamSizer sizer(2);
  sizer.ran(2, milliseconds(100), milliseconds(99), milliseconds(100));
  sizer.ran(1, milliseconds(100), milliseconds(0), milliseconds(101));
  EXPECT_EQ(sizer.members(milliseconds(102)), 1);
}

}  // namespace
}  // namespace tenwatt
