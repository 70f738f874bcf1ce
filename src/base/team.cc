#include "base/team.h"

#include <sched.h>

#include <algorithm>
#include <mutex>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/team_sizer.h"

namespace tenwatt {
namespace {

// Spinning bridges the gap between two steps of a plan (well under 50 microseconds). A member that
// waits for longer offers its core to others, one of which may be the member that it waits for;
// then it parks, so that an idle team costs nothing.
constexpr int kSpins = 1000;
constexpr int kBarrierYields = 50;
constexpr int kParkYields = 300;
constexpr int kSpinsPerYield = 50;

// Two cache lines: x86 prefetches lines in pairs, some ARM cores have lines of 128 bytes.
constexpr size_t kLine = 128;

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/// Returns the new value once `counter` differs from `seen`: spins first, then sleeps.
uint32_t wait_for_change(const std::atomic<uint32_t>& counter, uint32_t seen, int yields) {
  for (int i = 0; i < kSpins + yields * kSpinsPerYield; ++i) {
    const uint32_t value = counter.load(std::memory_order_acquire);
    if (value != seen) return value;
    if (i > kSpins && i % kSpinsPerYield == 0) {
      sched_yield();
    } else {
      relax();
    }
  }
  for (;;) {
    const uint32_t value = counter.load(std::memory_order_acquire);
    if (value != seen) return value;
    counter.wait(seen, std::memory_order_acquire);
  }
}

/// A job's number and members in one word, so that a late member never mixes two jobs up.
constexpr uint32_t kMembersMask = 0x3ff;
constexpr uint32_t kJobStep = kMembersMask + 1;

}  // namespace

struct Team::Impl {
  explicit Impl(int threads)
      : size(std::clamp(threads, 1, static_cast<int>(kMembersMask))), sizer(size) {}

  /// True if the job goes on. The last to arrive publishes the answer in the round itself (its
  /// lowest bit): `cancelled` may already hold the answer of the next barrier when a slow member
  /// wakes from this one.
  bool meet(const Member& member) {
    const uint32_t round = barrier_round.load(std::memory_order_acquire);
    if (arrived.fetch_add(1, std::memory_order_acq_rel) + 1 == member.size()) {
      arrived.store(0, std::memory_order_relaxed);
      const uint32_t next = ((round | 1u) + 1u) | (cancelled ? 1u : 0u);
      barrier_round.store(next, std::memory_order_release);
      barrier_round.notify_all();
      return (next & 1u) == 0;
    }
    if (member.index() != 0) {
      return (wait_for_change(barrier_round, round, kBarrierYields) & 1u) == 0;
    }
    const Clock::Duration start = system_clock().now();
    const uint32_t next = wait_for_change(barrier_round, round, kBarrierYields);
    stalled += system_clock().now() - start;
    return (next & 1u) == 0;
  }

  const int size;
  TeamSizer sizer;
  Clock::Duration stalled{0};  // by member 0 in the job that runs
  std::mutex turn;             // one job at a time
  std::vector<std::thread> threads;
  std::function<void(int)> delay;

  alignas(kLine) std::atomic<uint32_t> job_round{0};
  alignas(kLine) std::atomic<uint32_t> barrier_round{0};
  alignas(kLine) std::atomic<int> arrived{0};
  alignas(kLine) std::atomic<bool> stopping{false};

  // Written by member 0 before the others start or pass a barrier.
  const std::function<void(Member&)>* job = nullptr;
  const std::atomic<bool>* cancel = nullptr;
  bool cancelled = false;
};

bool Member::barrier() {
  Team::Impl& impl = *team_->impl_;
  if (impl.delay) impl.delay(index_);
  // Member 0 decides before it arrives, and nobody leaves before it has: all see one answer.
  if (index_ == 0 && impl.cancel != nullptr && impl.cancel->load(std::memory_order_relaxed)) {
    impl.cancelled = true;
  }
  return size_ > 1 ? impl.meet(*this) : !impl.cancelled;
}

Member::Share Member::share(int64_t items, int64_t grain) const {
  const int64_t grains = (items + grain - 1) / grain;
  const int64_t begin = grains * index_ / size() * grain;
  const int64_t end = grains * (index_ + 1) / size() * grain;
  return {std::min(begin, items), std::min(end, items)};
}

Team::Team(int threads) : impl_(std::make_unique<Impl>(threads)) {
  for (int index = 1; index < impl_->size; ++index) {
    impl_->threads.emplace_back([this, index] {
      Impl& impl = *impl_;
      uint32_t seen = 0;
      for (;;) {
        seen = wait_for_change(impl.job_round, seen, kParkYields);
        if (impl.stopping.load(std::memory_order_acquire)) return;
        const int members = static_cast<int>(seen & kMembersMask);
        if (index >= members) continue;
        Member member(this, index, members);
        (*impl.job)(member);
        impl.meet(member);
      }
    });
  }
}

Team::~Team() {
  impl_->stopping.store(true, std::memory_order_release);
  impl_->job_round.fetch_add(kJobStep, std::memory_order_acq_rel);
  impl_->job_round.notify_all();
  for (std::thread& thread : impl_->threads) thread.join();
}

int Team::size() const { return impl_->size; }

bool Team::run(const std::function<void(Member&)>& job, const std::atomic<bool>* cancel) {
  std::lock_guard turn(impl_->turn);
  impl_->job = &job;
  impl_->cancel = cancel;
  impl_->cancelled = cancel != nullptr && cancel->load(std::memory_order_relaxed);
  if (impl_->cancelled) return false;
  const Clock::Duration start = system_clock().now();
  const int members = impl_->sizer.members(start);
  Member member(this, 0, members);
  if (members == 1) {  // the others need not even know
    job(member);
    return !impl_->cancelled;
  }
  impl_->stalled = Clock::Duration{0};
  const uint32_t round = impl_->job_round.load(std::memory_order_relaxed) & ~kMembersMask;
  impl_->job_round.store((round + kJobStep) | static_cast<uint32_t>(members),
                         std::memory_order_release);
  impl_->job_round.notify_all();
  job(member);
  impl_->meet(member);
  const Clock::Duration end = system_clock().now();
  impl_->sizer.ran(members, end - start, impl_->stalled, end);
  return !impl_->cancelled;
}

void Team::set_delay(std::function<void(int member)> delay) {
  std::lock_guard turn(impl_->turn);
  impl_->delay = std::move(delay);
}

int available_cores() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

}  // namespace tenwatt
