// A step: one node of a partition, lowered for concrete shapes to a function that every member of
// the team calls. Steps are made when shapes are bound and hold all extents; running one allocates
// nothing.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/team.h"
#include "devices/interface/device.h"

namespace tenwatt::cpu {

/// Who runs a step. Steps too small to share run on member 0 alone; neighbouring ones of that kind
/// need no barrier between them.
enum class Crew : uint8_t { kAll, kSolo };

/// Where a failing step leaves its error (read by the run after the barrier that follows).
struct StepFailure {
  std::atomic<bool> failed{false};
  Error error;  ///< written by member 0 only
};

/// What a step sees while it runs: one member's view.
struct StepContext {
  Member& member;
  Crew crew = Crew::kAll;
  std::byte* const* values = nullptr;    ///< memory of every value, by ValueId
  std::byte* shared_scratch = nullptr;   ///< Step::shared_scratch bytes, the same for all members
  std::byte* member_scratch = nullptr;   ///< Step::member_scratch bytes of this member's own
  const devices::RunContext* run = nullptr;
  StepFailure* failure = nullptr;

  template <class T>
  T* at(graph::ValueId id) const {
    return reinterpret_cast<T*>(values[id]);
  }
  /// This member's part of `items`, in whole grains.
  Member::Share share(int64_t items, int64_t grain = 1) const {
    return crew == Crew::kSolo ? Member::Share{0, items} : member.share(items, grain);
  }
  bool is_first() const { return member.index() == 0; }
  /// A barrier inside a step; false: cancelled, return at once.
  bool barrier() const { return crew == Crew::kSolo || member.barrier(); }
  void fail(Error error) const {
    failure->error = std::move(error);
    failure->failed.store(true, std::memory_order_release);
  }
};

struct Step {
  std::string kernel;         ///< "linear_block q4_1 avx512", for reports
  Crew crew = Crew::kAll;
  size_t shared_scratch = 0;  ///< bytes, 64-byte aligned
  size_t member_scratch = 0;  ///< bytes for each member, 64-byte aligned
  std::function<void(StepContext&)> run;
};

/// Element counts below this are not worth a barrier.
inline constexpr int64_t kSoloElements = 8192;
inline Crew crew_for(int64_t elements) {
  return elements < kSoloElements ? Crew::kSolo : Crew::kAll;
}

}  // namespace tenwatt::cpu
