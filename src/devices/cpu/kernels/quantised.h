// What the kernels of quantised values take: exact products of 8-bit integers, and the ways between
// integers and floats by scale and zero point. Part of table.h, under its rules.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace tenwatt::cpu {

/// sums[r][n] = sum_k (a[r][k] - a_zero) * (w[n][k] - zeros[n]), exact modulo 2^32, for rows
/// [0, rows) and the outputs of panels [panel_begin, panel_end).
///
/// Bytes are taken as signed: stored u8 is signed + 128, and so is its zero point. An integer panel
/// (`pack_integer_panel`) is ceil(k / 4) lines of 64 bytes in R16K4 order, each byte its signed
/// code
/// + 128, and then 16 int32, the sum of each row's signed codes.
struct IntegerProduct {
  const uint8_t* a;
  ptrdiff_t a_stride;
  uint8_t a_flip;  ///< a[i] ^ a_flip is the signed code: 0 for i8, 0x80 for u8
  int32_t a_zero;  ///< of the signed codes
  int64_t rows;
  int64_t k;
  const void* panels;    ///< panel 0 of the matrix
  const int32_t* zeros;  ///< of the signed codes, by output; whole panels
  int32_t* sums;         ///< row 0, first output of panel_begin; whole panels are written
  ptrdiff_t sums_stride;
  int64_t panel_begin;
  int64_t panel_end;
  void* scratch;  ///< integer_scratch_bytes(k)
};
inline constexpr int64_t kIntegerTileRows = 8;
inline constexpr size_t integer_scratch_bytes(int64_t k) {
  return static_cast<size_t>(kIntegerTileRows * ((k + 3) / 4 * 8) + 63) / 64 * 64;
}

/// The integers that quantised values are stored in. `dequantise` reads all of them, `quantise`
/// writes all but i32.
enum class Stored : uint8_t { kI8, kU8, kI16, kU16, kI32 };

/// One scale and zero point for a span, or one for each element.
enum class Grain : uint8_t { kSpan, kElement };

}  // namespace tenwatt::cpu
