// What lowerings of elementwise operators share.
#pragma once

#include "devices/cpu/kernels/table.h"
#include "devices/cpu/lower/lower.h"

namespace tenwatt::cpu {

/// Elements that a member of the team takes at least.
inline constexpr int64_t kElementwiseGrain = 64;

/// A function of one number; `alpha` and `beta` as the kernel has them.
struct UnaryKernel {
  Unary op;
  float alpha = 0;
  float beta = 0;
};

/// The first output as a function of the first input, element by element; an empty optional where
/// no kernel has the input's type.
Result<std::optional<Lowered>> lower_unary_as(const LowerInput& input, UnaryKernel kernel);

}  // namespace tenwatt::cpu
