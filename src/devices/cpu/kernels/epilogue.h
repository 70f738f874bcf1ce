// What happens to a finished vector of outputs of a matrix product: bias, residual, store.
// The same for float and block weights. The number of valid lanes is cut at the last output.
#pragma once

#include "devices/cpu/simd/simd.h"

namespace {

/// Adds bias and residual to outputs [first, first + W) of row `row` and stores those that exist.
template <class Job>
TENWATT_INLINE void finish_outputs(const Job& job, int64_t row, int64_t first, F sum) {
  const int64_t left = job.outputs - first;
  if (left <= 0) return;
  float* y = job.y + row * job.y_stride + first;
  const float* residual = job.residual ? job.residual + row * job.residual_stride + first : nullptr;
  if (left >= W) {
    if (job.bias) sum += load(job.bias + first);
    if (residual) sum += load(residual);
    store(y, sum);
    return;
  }
  if (job.bias) sum += load_part(job.bias + first, left);
  if (residual) sum += load_part(residual, left);
  store_part(y, sum, left);
}

}  // namespace
