// Integer sums of one 32-k block of a panel for R activation rows with AVX-512 VNNI: a panel line
// is one register, the activation a 4-byte broadcast inside the instruction.
//
// GCC 12 neither folds that broadcast nor keeps a line loaded once when both nibbles are used, so
// the instruction is inline assembly and a loaded line is pinned by an empty one.
#pragma once

#include "devices/cpu/kernels/table.h"
#include "devices/cpu/simd/simd.h"

namespace {

/// What a code means: its value, value + 8, or value + 128.
enum class Codes { kNibbles, kNibblesMinus8, kBytesPlus128 };

constexpr int kVectors = 1;
constexpr int kTileRows = 8;
constexpr int kPrefetchAhead = 4608;

TENWATT_INLINE void dot4(I& sum, I codes, const int8_t* x) {
  __asm__("vpdpbusd %2%{1to16%}, %1, %0"
          : "+v"(sum)
          : "v"(codes), "m"(*reinterpret_cast<const int32_t*>(x)));
}
TENWATT_INLINE I load_line(const uint8_t* p) {
  I line = (I)load_bytes(p);
  __asm__("" : "+v"(line));
  return line;
}

template <Codes kKind, int R>
TENWATT_INLINE void block_dot(const uint8_t* codes, const tenwatt::cpu::QuantBlock* x,
                              ptrdiff_t stride, I (&dot)[R][kVectors]) {
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
    if constexpr (kKind == Codes::kNibbles) dot[r][0] = I{};
    if constexpr (kKind == Codes::kNibblesMinus8) dot[r][0] = set1(x[r * stride].offset);
    if constexpr (kKind == Codes::kBytesPlus128) dot[r][0] = set1(x[r * stride].offset) << 4;
  }
  if constexpr (kKind == Codes::kBytesPlus128) {
#pragma GCC unroll 8
    for (int line = 0; line < 8; ++line) {
      const I w = load_line(codes + 64 * line);
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) dot4(dot[r][0], w, x[r * stride].code + 4 * line);
    }
    return;
  }
  const I mask = set1(0x0f0f0f0f);
#pragma GCC unroll 4
  for (int line = 0; line < 4; ++line) {
    const I both = load_line(codes + 64 * line);
    const I low = both & mask;
    const I high = (both >> 4) & mask;
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) dot4(dot[r][0], low, x[r * stride].code + 4 * line);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) dot4(dot[r][0], high, x[r * stride].code + 16 + 4 * line);
  }
}

}  // namespace
