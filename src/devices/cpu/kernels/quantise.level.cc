// Activations to int8 blocks of 32 with one scale: scale = max|x| / 127, codes rounded to nearest
// even. All integers; a row's blocks depend on that row alone.
#include "devices/cpu/kernels/level.h"
#include "devices/cpu/simd/simd.h"

namespace tenwatt::cpu::TENWATT_LEVEL {
namespace {

constexpr int kVectors = 32 / W;

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
  I sum = I{};
#pragma GCC unroll 8
  for (int v = 0; v < kVectors; ++v) {
    const I code = to_int(min(max(value[v] * inverse, set1(-127.0f)), set1(127.0f)));
    sum += code;
    typedef int8_t Bytes __attribute__((vector_size(W)));
    const Bytes bytes = __builtin_convertvector(code, Bytes);
    __builtin_memcpy(y->code + v * W, &bytes, sizeof bytes);
  }
  const int32_t total = fold_sum(sum);
  y->scale = scale;
  y->sum = total;
  y->scaled_sum = scale * static_cast<float>(total);
  y->offset = -8 * total;
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
