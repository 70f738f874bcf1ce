// Matrix products of int8 activations with 4- and 8-bit weights in R16K4 panels (table.h).
//
// Per 32-k block an exact integer sum for each of 16 rows, then one scaled add into the output's
// float accumulator. The integer part differs by level (block_dot_*.h), the float part does not
// depend on how many columns a tile has.
#include "devices/cpu/kernels/epilogue.h"
#include "devices/cpu/kernels/level.h"
#if defined(__AVX512F__)
#include "devices/cpu/kernels/block_dot_avx512.h"
#else
#include "devices/cpu/kernels/block_dot.h"
#endif

namespace tenwatt::cpu::TENWATT_LEVEL {
namespace {

// A format: bytes of a block's codes, blocks that share a line of scales, minima or not.
struct Q4_0 {
  static constexpr int kCodes = 256, kBlocks = 2;
  static constexpr bool kMinimum = false;
  static constexpr Codes kKind = Codes::kNibblesMinus8;
};
struct Q4_1 {
  static constexpr int kCodes = 256, kBlocks = 1;
  static constexpr bool kMinimum = true;
  static constexpr Codes kKind = Codes::kNibbles;
};
struct Q8_0 {
  static constexpr int kCodes = 512, kBlocks = 2;
  static constexpr bool kMinimum = false;
  static constexpr Codes kKind = Codes::kBytesPlus128;
};

template <class Format, int R, bool kPrefetch>
TENWATT_INLINE void block(const uint8_t* codes, const uint16_t* scales, const QuantBlock* x,
                          ptrdiff_t stride, F (&sum)[R][kVectors]) {
  I dot[R][kVectors];
  if constexpr (kPrefetch) {
#pragma GCC unroll 8
    for (int line = 0; line < Format::kCodes; line += 64) {
      __builtin_prefetch(codes + kPrefetchAhead + line);
    }
  }
  block_dot<Format::kKind, R>(codes, x, stride, dot);
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v) {
    const F scale = load_f16(scales + v * W);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      sum[r][v] = fma(to_float(dot[r][v]), scale * x[r * stride].scale, sum[r][v]);
    }
    if constexpr (Format::kMinimum) {
      const F minimum = load_f16(scales + kPanelRows + v * W);
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) {
        sum[r][v] = fma(minimum, set1(x[r * stride].scaled_sum), sum[r][v]);
      }
    }
  }
}

// Rows [row, row + R) of one panel.
template <class Format, int R, bool kPrefetch>
TENWATT_INLINE void tile(const LinearBlock& job, const uint8_t* codes, int64_t row, int64_t panel) {
  const QuantBlock* x = job.x + row * job.x_stride;
  const ptrdiff_t stride = job.x_stride;
  const int64_t blocks = job.k / 32;
  F sum[R][kVectors];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) sum[r][v] = F{};
  }
  int64_t b = 0;
  for (; b + Format::kBlocks <= blocks; b += Format::kBlocks) {
    const auto* scales =
        reinterpret_cast<const uint16_t*>(codes + Format::kBlocks * Format::kCodes);
#pragma GCC unroll 2
    for (int i = 0; i < Format::kBlocks; ++i) {
      block<Format, R, kPrefetch>(codes + i * Format::kCodes, scales + i * kPanelRows, x, stride,
                                  sum);
      ++x;
    }
    codes += Format::kBlocks * Format::kCodes + 64;
  }
  if (b < blocks) {
    const auto* scales = reinterpret_cast<const uint16_t*>(codes + Format::kCodes);
    block<Format, R, false>(codes, scales, x, stride, sum);
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      finish_outputs(job, row + r, panel * kPanelRows + v * W, sum[r][v]);
    }
  }
}

template <class Format>
size_t panel_bytes(int64_t k) {
  const int64_t blocks = k / 32;
  const int64_t groups = (blocks + Format::kBlocks - 1) / Format::kBlocks;
  return static_cast<size_t>(blocks * Format::kCodes + groups * 64);
}

// Prefetching pays once a block has more instructions than the processor looks ahead, from 4
// rows, and only for the first rows of a panel: later ones find it in the cache.
template <class Format>
void rows(const LinearBlock& job, const uint8_t* codes, int64_t panel) {
  int64_t row = 0;
  for (; row + kTileRows <= job.rows; row += kTileRows) {
    if (row == 0) {
      tile<Format, kTileRows, true>(job, codes, row, panel);
    } else {
      tile<Format, kTileRows, false>(job, codes, row, panel);
    }
  }
  const int64_t left = job.rows - row;
  switch (left) {
    case 7:
      if constexpr (kTileRows > 7) return tile<Format, 7, true>(job, codes, row, panel);
      break;
    case 6:
      if constexpr (kTileRows > 6) return tile<Format, 6, true>(job, codes, row, panel);
      break;
    case 5:
      if constexpr (kTileRows > 5) return tile<Format, 5, true>(job, codes, row, panel);
      break;
    case 4:
      if constexpr (kTileRows > 4) return tile<Format, 4, true>(job, codes, row, panel);
      break;
    case 3:
      return tile<Format, 3, false>(job, codes, row, panel);
    case 2:
      return tile<Format, 2, false>(job, codes, row, panel);
    case 1:
      return tile<Format, 1, false>(job, codes, row, panel);
    default:
      return;
  }
}

template <class Format>
void run(const LinearBlock& job) {
  const size_t bytes = panel_bytes<Format>(job.k);
  const auto* panels = static_cast<const uint8_t*>(job.panels);
  for (int64_t p = job.panel_begin; p < job.panel_end; ++p) {
    rows<Format>(job, panels + static_cast<size_t>(p) * bytes, p);
  }
}

}  // namespace

void linear_block(const LinearBlock& job) {
  switch (job.format) {
    case BlockFormat::kQ4_0:
      return run<Q4_0>(job);
    case BlockFormat::kQ4_1:
      return run<Q4_1>(job);
    case BlockFormat::kQ8_0:
      return run<Q8_0>(job);
  }
}

}  // namespace tenwatt::cpu::TENWATT_LEVEL
