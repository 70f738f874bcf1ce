// 8-bit matrices into integer panels (IntegerProduct in quantised.h): for weights once, for a right
// operand that a run computes each time. Plain code, the same at every level.
#pragma once

#include <cstddef>
#include <cstdint>

#include "devices/cpu/kernels/table.h"

namespace tenwatt::cpu {

/// A matrix of bytes with `outputs` rows of k: element (n, i) lies at n * output_step + i * k_step.
struct ByteMatrix {
  const uint8_t* bytes;
  int64_t outputs;
  int64_t k;
  ptrdiff_t output_step;
  ptrdiff_t k_step;
  uint8_t flip;  ///< bytes ^ flip are signed codes: 0 for i8, 0x80 for u8
};

inline constexpr size_t integer_panel_bytes(int64_t k) {
  return static_cast<size_t>((k + 3) / 4 * 64 + 64);
}

/// Packs panel `panel` of a matrix; `out` has integer_panel_bytes(k).
void pack_integer_panel(const ByteMatrix& matrix, int64_t panel, std::byte* out);

}  // namespace tenwatt::cpu
