// The thread team that kernels run on: a fixed number of threads that start a job together, meet
// at barriers inside it, and leave it together.
//
// One wake per job and spinning barriers inside it make a barrier cost a fraction of a
// microsecond. Between jobs the members spin briefly, then park. Cancellation is decided by one
// member and published in the barrier, so no member leaves alone. While other programs hold the
// cores, jobs get fewer members (base/team_sizer.h): results must not depend on how many.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

namespace tenwatt {

class Team;

/// A member's view of the job it runs in.
class Member {
 public:
  int index() const { return index_; }  ///< 0 is the caller's thread
  int size() const { return size_; }    ///< members in this job, at most Team::size()
  /// Waits for all members. False if the job was cancelled: every member then gets false at the
  /// same barrier and must return.
  bool barrier();
  /// This member's share [begin, end) of `items` in contiguous ranges of whole `grain`s.
  struct Share {
    int64_t begin;
    int64_t end;
  };
  Share share(int64_t items, int64_t grain = 1) const;

 private:
  friend class Team;
  Member(Team* team, int index, int size) : team_(team), index_(index), size_(size) {}
  Team* team_;
  int index_;
  int size_;
};

class Team {
 public:
  /// A team of `threads` members (at least 1), the caller of run() being one of them.
  explicit Team(int threads);
  ~Team();
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  int size() const;
  /// Runs `job` on the members and returns when all have left it. Calls from several threads take
  /// turns. `cancel` is polled at barriers by member 0. Returns false if the job was cancelled.
  bool run(const std::function<void(Member&)>& job, const std::atomic<bool>* cancel = nullptr);

  /// For tests: called by each member before it enters a barrier.
  void set_delay(std::function<void(int member)> delay);

 private:
  friend class Member;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Cores that this process may run on.
int available_cores();

}  // namespace tenwatt
