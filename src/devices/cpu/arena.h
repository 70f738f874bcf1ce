// Offsets by lifetime: values that are never alive at the same step may share memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tenwatt::cpu {

inline constexpr size_t kAlignment = 64;
inline size_t align_up(size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

/// A value's bytes and the steps [first, last] during which they must be kept.
struct Lifetime {
  size_t bytes = 0;
  int64_t first = 0;
  int64_t last = 0;
};

struct ArenaPlan {
  std::vector<size_t> offsets;  ///< in the order of the lifetimes, multiples of 64
  size_t bytes = 0;
};

/// First fit in order of `first`.
ArenaPlan plan_arena(const std::vector<Lifetime>& lifetimes);

}  // namespace tenwatt::cpu
