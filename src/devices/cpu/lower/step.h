// A step: one node of a partition, lowered for concrete shapes to a function that every member of
// the team calls. Steps are made when shapes are bound and hold all extents; running one allocates
// nothing.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/team.h"
#include "devices/interface/device.h"

namespace tenwatt::cpu {

/// Who runs a step.
enum class Crew : uint8_t {
  kAll,   ///< all members, each a share
  kSolo,  ///< member 0 alone; neighbouring ones need no barrier between them
  /// Every member does all of it for itself, and the results lie in memory of its own: a few
  /// elements cost less than a barrier before those who read them.
  kEach,
};

/// Where a failing step leaves its error. Members leave at the barrier after the failed step, which
/// they know by its index: a member that is late at an earlier barrier must not leave there.
struct StepFailure {
  static constexpr int64_t kNone = INT64_MAX;
  std::atomic<int64_t> step{kNone};
  Error error;  ///< written by member 0 only

  bool happened_by(int64_t index) const { return step.load(std::memory_order_acquire) <= index; }
};

/// What a step sees while it runs: one member's view.
struct StepContext {
  Member& member;
  Crew crew = Crew::kAll;
  std::byte* const* values = nullptr;   ///< memory of every value, by ValueId
  std::byte* shared_scratch = nullptr;  ///< Step::shared_scratch bytes, the same for all members
  std::byte* member_scratch = nullptr;  ///< Step::member_scratch bytes of this member's own
  const devices::RunContext* run = nullptr;
  StepFailure* failure = nullptr;
  int64_t index = 0;  ///< of the step in its stage

  template <class T>
  T* at(graph::ValueId id) const {
    return reinterpret_cast<T*>(values[id]);
  }
  /// This member's part of `items`, in whole grains.
  Member::Share share(int64_t items, int64_t grain = 1) const {
    return crew == Crew::kAll ? member.share(items, grain) : Member::Share{0, items};
  }
  bool is_first() const { return member.index() == 0; }
  /// A barrier inside a step; false: cancelled, return at once.
  bool barrier() const { return crew != Crew::kAll || member.barrier(); }
  /// Ends the run with this error; member 0 only.
  void fail(Error error) const {
    failure->error = std::move(error);
    failure->step.store(index, std::memory_order_release);
  }
};

struct Step {
  std::string kernel;  ///< "linear_block q4_1 avx512", for reports
  devices::KernelKind kind = devices::KernelKind::kOwn;
  Crew crew = Crew::kAll;
  size_t shared_scratch = 0;  ///< bytes, 64-byte aligned
  size_t member_scratch = 0;  ///< bytes for each member, 64-byte aligned
  std::function<void(StepContext&)> run;
  /// What the step wants from the run's context, checked before the dispatch; may be empty.
  std::function<Status(const devices::RunContext&)> check;
};

/// Element counts below this are not worth a barrier.
inline constexpr int64_t kSoloElements = 8192;
inline Crew crew_for(int64_t elements) {
  return elements < kSoloElements ? Crew::kSolo : Crew::kAll;
}

/// Element counts up to this are computed again by every member.
inline constexpr int64_t kEachElements = 4096;
/// For steps that can't fail and write nothing but their results and their member's scratch.
inline Crew crew_for_pure(int64_t elements) {
  return elements <= kEachElements ? Crew::kEach : crew_for(elements);
}

}  // namespace tenwatt::cpu
