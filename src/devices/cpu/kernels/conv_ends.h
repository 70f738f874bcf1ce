// What the convolutions of both operand formats do with a sample on its way in and with finished
// sums on their way out (ConvEnds).
#pragma once

#include "devices/cpu/kernels/table.h"
#include "devices/cpu/simd/math.h"

namespace {

TENWATT_INLINE F leaky(F x, float leak) { return choose(x < F{}, x * leak, x); }

/// W samples of one channel from time `at` on, zeros outside [0, length), after the LeakyReLU.
TENWATT_INLINE F leaky_samples(const float* x, int64_t length, int64_t at, float leak) {
  if (at >= 0 && at + W <= length) return leaky(load(x + at), leak);
  float lane[W];
  for (int64_t l = 0; l < W; ++l) lane[l] = at + l >= 0 && at + l < length ? x[at + l] : 0.0f;
  return leaky(load(lane), leak);
}

/// The samples of times [begin, begin + count), count being whole vectors.
TENWATT_INLINE void leaky_stretch(const float* x, int64_t length, int64_t begin, int64_t count,
                                  float leak, float* out) {
  for (int64_t i = 0; i < count; i += W) store(out + i, leaky_samples(x, length, begin + i, leak));
}

/// The sums of `channels` channels from `channel` on at times [t, t + count), which lie in y and
/// are still in the nearest cache.
inline void end_sums(const tenwatt::cpu::Conv1d& job, int64_t channel, int64_t channels, int64_t t,
                     int64_t count) {
  const tenwatt::cpu::ConvEnds& ends = job.ends;
  const bool is_tanh = ends.out == tenwatt::cpu::ConvEnds::Out::kTanh;
  if (!ends.residual[0] && ends.divisor == 1 && !is_tanh) return;
  for (int64_t c = channel; c < channel + channels; ++c) {
    for (int64_t i = 0; i < count; i += W) {
      const ptrdiff_t at = c * job.y_stride + t + i;
      const int64_t left = count - i;
      F sum = load_part(job.y + at, left);
      if (ends.residual[0]) sum += load_part(ends.residual[0] + at, left);
      if (ends.residual[1]) sum += load_part(ends.residual[1] + at, left);
      if (ends.divisor != 1) sum = sum / ends.divisor;
      if (is_tanh) sum = tanh(sum);
      store_part(job.y + at, sum, left);
    }
  }
}

}  // namespace
