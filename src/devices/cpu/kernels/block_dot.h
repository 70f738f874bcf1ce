// Integer sums of one 32-k block of a panel for R activation rows: the form for levels with pair
// products (SSE, AVX2) or lane dots (NEON), on simd.h's integer dots.
#pragma once

#include "devices/cpu/kernels/table.h"
#include "devices/cpu/simd/simd.h"

namespace {

/// What a code means: its value, value + 8, or value + 128.
enum class Codes { kNibbles, kNibblesMinus8, kBytesPlus128 };

constexpr int kVectors = tenwatt::cpu::kPanelRows / W;
constexpr int kTileRows = 4;
constexpr int kPrefetchAhead = 4608;

template <int R>
TENWATT_INLINE void nibble_dot(const uint8_t* codes, const tenwatt::cpu::QuantBlock* x,
                               ptrdiff_t stride, I (&dot)[R][kVectors]) {
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v) {
    Partial sum[R];
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) sum[r] = Partial{};
#pragma GCC unroll 4
    for (int line = 0; line < 4; ++line) {
      const B both = load_bytes(codes + line * 64 + v * 4 * W);
      const B low = both & 15;
      const B high = (B)((I)both >> 4) & 15;
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) {
        const int8_t* code = x[r * stride].code;
        sum[r] = dot_nibbles(sum[r], low, spread4(code + 4 * line));
        sum[r] = dot_nibbles(sum[r], high, spread4(code + 16 + 4 * line));
      }
    }
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) dot[r][v] = finish(sum[r]);
  }
}

template <Codes kKind, int R>
TENWATT_INLINE void block_dot(const uint8_t* codes, const tenwatt::cpu::QuantBlock* x,
                              ptrdiff_t stride, I (&dot)[R][kVectors]) {
  if constexpr (kKind == Codes::kBytesPlus128) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      I sum[R];
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) sum[r] = I{};
#pragma GCC unroll 8
      for (int line = 0; line < 8; ++line) {
        const B w = load_bytes(codes + line * 64 + v * 4 * W);
#pragma GCC unroll 8
        for (int r = 0; r < R; ++r) {
          sum[r] = dot_offset_bytes(sum[r], w, spread4(x[r * stride].code + 4 * line));
        }
      }
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) dot[r][v] = sum[r];
    }
    return;
  }
  nibble_dot<R>(codes, x, stride, dot);
  if constexpr (kKind == Codes::kNibblesMinus8) {
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) dot[r][v] += x[r * stride].offset;
    }
  }
}

}  // namespace
