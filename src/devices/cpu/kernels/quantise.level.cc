// Activations to int8 blocks of 32 with one scale: scale = max|x| / 127, codes rounded to nearest
// even. A row's blocks depend on that row alone.
#include "devices/cpu/kernels/level.h"
#include "devices/cpu/simd/simd.h"

namespace tenwatt::cpu::TENWATT_LEVEL {
namespace {

constexpr int kVectors = 32 / W;

typedef int32_t Four __attribute__((vector_size(16)));

// Sums over lanes i, i + 4, i + 8 ...
template <int kHalf = W / 2>
TENWATT_INLINE Four every_fourth(I v) {
  if constexpr (kHalf < 4) {
    Four four;
    __builtin_memcpy(&four, &v, sizeof four);
    return four;
  } else {
    return every_fourth<kHalf / 2>(v + rotated<kHalf>(v, Lanes{}));
  }
}

// All sums of a block from those of its halves' codes 0, 1, 2 and 3 of every four.
TENWATT_INLINE void store_sums(Four low, Four high, QuantBlock* y) {
  const Four pairs = __builtin_shufflevector(low, high, 0, 2, 4, 6) +
                     __builtin_shufflevector(low, high, 1, 3, 5, 7);
  typedef int16_t Shorts __attribute__((vector_size(8)));
  const Shorts pair_offset = __builtin_convertvector(pairs * -8, Shorts);
  __builtin_memcpy(y->pair_offset, &pair_offset, sizeof pair_offset);
  const int32_t low_sum = pairs[0] + pairs[1];
  const int32_t high_sum = pairs[2] + pairs[3];
  y->half_offset[0] = -8 * low_sum;
  y->half_offset[1] = -8 * high_sum;
  y->sum = low_sum + high_sum;
  y->offset = -8 * y->sum;
  y->scaled_sum = y->scale * static_cast<float>(y->sum);
}

TENWATT_INLINE void quantise_block(const float* x, QuantBlock* y) {
  F value[kVectors];
  F largest = F{};
#pragma GCC unroll 8
  for (int v = 0; v < kVectors; ++v) {
    value[v] = load(x + v * W);
    largest = max(abs(value[v]), largest);
  }
  const float peak = fold_max(largest);
  // A peak so small that 127 / peak overflows counts as zero; so does NaN.
  const bool usable = peak > 1e-30f && peak < kInfinity;
  const float inverse = usable ? 127.0f / peak : 0.0f;
  const float scale = usable ? peak * (1.0f / 127.0f) : 0.0f;
  I half[2] = {};
#pragma GCC unroll 8
  for (int v = 0; v < kVectors; ++v) {
    const I code = to_int(min(max(value[v] * inverse, set1(-127.0f)), set1(127.0f)));
    half[v / (kVectors / 2)] += code;
    typedef int8_t Bytes __attribute__((vector_size(W)));
    const Bytes bytes = __builtin_convertvector(code, Bytes);
    __builtin_memcpy(y->code + v * W, &bytes, sizeof bytes);
  }
  y->scale = scale;
  store_sums(every_fourth(half[0]), every_fourth(half[1]), y);
}

}  // namespace

void quantise_rows(const float* x, ptrdiff_t x_stride, int64_t rows, int64_t k, QuantBlock* y,
                   ptrdiff_t y_stride) {
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t b = 0; b < k / 32; ++b) {
      quantise_block(x + r * x_stride + 32 * b, y + r * y_stride + b);
    }
  }
}

}  // namespace tenwatt::cpu::TENWATT_LEVEL
