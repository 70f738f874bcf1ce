// Activations to int8 blocks of 32 with one scale: scale = max|x| / 127, codes rounded to nearest
// even. A row's blocks depend on that row alone.
#include "devices/cpu/kernels/indices.h"
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

// What stands behind the codes of a block, from the sums of its halves' codes 0, 1, 2 and 3 of
// every four: two vectors of 16 bytes, without leaving the vector registers.
TENWATT_INLINE void store_sums(float scale, Four low, Four high, QuantBlock* y) {
  const Four pairs = __builtin_shufflevector(low, high, 0, 2, 4, 6) +
                     __builtin_shufflevector(low, high, 1, 3, 5, 7);
  const Four halves = pairs + __builtin_shufflevector(pairs, pairs, 1, 0, 3, 2);
  const Four all = halves + __builtin_shufflevector(halves, halves, 2, 3, 0, 1);
  typedef float Reals __attribute__((vector_size(16)));
  const Reals factor = {scale, scale, scale, scale};
  const Four scaled = (Four)(factor * __builtin_convertvector(all, Reals));
  const Four sums = __builtin_shufflevector(all, all * -8, 0, 0, 4, 4);
  const Four scales = __builtin_shufflevector((Four)factor, scaled, 0, 0, 4, 4);
  const Four first = __builtin_shufflevector(scales, sums, 0, 4, 2, 6);
  static_assert(offsetof(QuantBlock, scale) == 32 && offsetof(QuantBlock, sum) == 36 &&
                offsetof(QuantBlock, scaled_sum) == 40 && offsetof(QuantBlock, offset) == 44);
  __builtin_memcpy(reinterpret_cast<char*>(y) + 32, &first, sizeof first);
  typedef int16_t Shorts __attribute__((vector_size(8)));
  const Shorts pair_offset = __builtin_convertvector(pairs * -8, Shorts);
  const Four half_offset = halves * -8;
  y->half_offset[0] = half_offset[0];
  y->half_offset[1] = half_offset[2];
  __builtin_memcpy(y->pair_offset, &pair_offset, sizeof pair_offset);
}

struct BlockScale {
  float scale;
  float inverse;
};

TENWATT_INLINE BlockScale block_scale(const float* x) {
  F largest = F{};
#pragma GCC unroll 8
  for (int v = 0; v < kVectors; ++v) largest = max(abs(load(x + v * W)), largest);
  const float peak = fold_max(largest);
  // A peak so small that 127 / peak overflows counts as zero; so does NaN.
  const bool usable = peak > 1e-30f && peak < kInfinity;
  return {usable ? peak * (1.0f / 127.0f) : 0.0f, usable ? 127.0f / peak : 0.0f};
}

TENWATT_INLINE void quantise_block(const float* x, const BlockScale& by, QuantBlock* y) {
  I half[2] = {};
#pragma GCC unroll 8
  for (int v = 0; v < kVectors; ++v) {
    const F scaled = load(x + v * W) * by.inverse;
    const I code = to_int(min(max(scaled, set1(-127.0f)), set1(127.0f)));
    half[v / (kVectors / 2)] += code;
    typedef int8_t Bytes __attribute__((vector_size(W)));
    const Bytes bytes = __builtin_convertvector(code, Bytes);
    __builtin_memcpy(y->code + v * W, &bytes, sizeof bytes);
  }
  store_sums(by.scale, every_fourth(half[0]), every_fourth(half[1]), y);
}

// The scales of some blocks come before their codes: each is the end of a long chain of
// operations, and a processor looks ahead over few whole blocks.
constexpr int64_t kBlocksTogether = 16;

}  // namespace

void quantise_rows(const float* x, ptrdiff_t x_stride, int64_t rows, int64_t k, QuantBlock* y,
                   ptrdiff_t y_stride) {
  const int64_t blocks = k / 32;
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t first = 0; first < blocks; first += kBlocksTogether) {
      const int64_t count = smaller(blocks - first, kBlocksTogether);
      const float* from = x + r * x_stride + 32 * first;
      QuantBlock* to = y + r * y_stride + first;
      BlockScale scale[kBlocksTogether];
      for (int64_t b = 0; b < count; ++b) scale[b] = block_scale(from + 32 * b);
      for (int64_t b = 0; b < count; ++b) quantise_block(from + 32 * b, scale[b], to + b);
    }
  }
}

}  // namespace tenwatt::cpu::TENWATT_LEVEL
