#include "base/team.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>
#include <vector>

namespace tenwatt {
namespace {

TEST(Team, EveryMemberSeesWhatAllWroteBeforeABarrier) {
  for (int threads : {1, 2, 3, 7}) {
    Team team(threads);
    std::vector<int> steps(static_cast<size_t>(threads), 0);
    std::atomic<int> wrong{0};
    team.run([&](Member& member) {
      for (int step = 1; step <= 200; ++step) {
        steps[static_cast<size_t>(member.index())] = step;
        ASSERT_TRUE(member.barrier());
        for (int value : steps) wrong += value != step;
        ASSERT_TRUE(member.barrier());
      }
    });
    EXPECT_EQ(wrong, 0) << threads << " threads";
  }
}

TEST(Team, CancelIsSeenByAllMembersAtTheSameBarrier) {
  Team team(3);
  for (int round = 0; round < 50; ++round) {
    std::atomic<bool> cancel{false};
    std::vector<int> left_at(3, -1);
    int members = 0;
    std::thread canceller([&] { cancel = true; });
    const bool finished = team.run(
        [&](Member& member) {
          if (member.index() == 0) members = member.size();
          for (int step = 0; step < 100000; ++step) {
            if (!member.barrier()) {
              left_at[static_cast<size_t>(member.index())] = step;
              return;
            }
          }
        },
        &cancel);
    canceller.join();
    if (finished) continue;
    for (int i = 1; i < members; ++i) {
      EXPECT_EQ(left_at[0], left_at[static_cast<size_t>(i)]);
    }
  }
}

TEST(Team, SharesCoverEveryItemOnceInWholeGrains) {
  Team team(3);
  for (int64_t items : {0, 1, 15, 16, 17, 100}) {
    std::vector<std::atomic<int>> hits(static_cast<size_t>(items));
    team.run([&](Member& member) {
      const Member::Share share = member.share(items, 16);
      EXPECT_TRUE(share.begin % 16 == 0 || share.begin == items);
      for (int64_t i = share.begin; i < share.end; ++i) hits[static_cast<size_t>(i)]++;
    });
    for (const auto& hit : hits) EXPECT_EQ(hit, 1);
  }
}

TEST(Team, TakesTurnsBetweenCallers) {
  Team team(2);
  std::atomic<int> inside{0};
  std::atomic<int> overlaps{0};
  auto caller = [&] {
    for (int i = 0; i < 100; ++i) {
      team.run([&](Member& member) {
        if (member.index() == 0) overlaps += inside.fetch_add(1) != 0;
        member.barrier();
        if (member.index() == 0) inside.fetch_sub(1);
      });
    }
  };
  std::thread other(caller);
  caller();
  other.join();
  EXPECT_EQ(overlaps, 0);
}

TEST(Team, DelayedMembersStillMeet) {
  Team team(3);
  team.set_delay([](int member) {
    if (member == 1) std::this_thread::sleep_for(std::chrono::microseconds(200));
  });
  std::vector<int> count(3, 0);
  team.run([&](Member& member) {
    for (int i = 0; i < 20; ++i) {
      ++count[static_cast<size_t>(member.index())];
      member.barrier();
    }
  });
  EXPECT_EQ(count, (std::vector<int>{20, 20, 20}));
}

TEST(Team, AMemberThatIsAlwaysLateIsLeftOutAndTriedAgain) {
  Team team(3);
  std::atomic<bool> late{true};
  team.set_delay([&](int member) {
    if (member == 1 && late) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  });
  const auto members = [&] {
    std::atomic<int> entered{0};
    int size = 0;
    team.run([&](Member& member) {
      ++entered;
      if (member.index() == 0) size = member.size();
      for (int i = 0; i < 10; ++i) EXPECT_TRUE(member.barrier());
    });
    EXPECT_EQ(entered, size);
    return size;
  };
  while (members() == 3) continue;
  late = false;
  while (members() < 3) continue;
}

}  // namespace
}  // namespace tenwatt
