// Products of 8-bit integers with exact 32-bit sums. A tile of rows is brought into the level's
// codes once, then every panel passes by; zero points are taken out of the finished sums:
//
//   sum (a - p)(w - q) = sum a w - q sum a - p sum w + k p q
#include "devices/cpu/kernels/byte_dot.h"
#include "devices/cpu/kernels/level.h"

namespace tenwatt::cpu::TENWATT_LEVEL {
namespace {

constexpr int kVectors = kPanelRows / W;
typedef uint32_t U __attribute__((vector_size(sizeof(I))));  // sums wrap

// Rows of signed bytes as codes, padded with zeros to whole fours; gives the sum of each.
struct Tile {
  const Code* codes;
  int64_t stride;
  int32_t sums[kIntegerTileRows];
};

TENWATT_INLINE int32_t prepare_row(const uint8_t* a, uint8_t flip, int64_t k, Code* to) {
  int32_t sum = 0;
  int8_t code[4];
  int64_t i = 0;
  for (; i + 4 <= k; i += 4) {
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) {
      code[j] = static_cast<int8_t>(a[i + j] ^ flip);
      sum += code[j];
    }
    put_codes(to + i, code);
  }
  if (i == k) return sum;
  for (int j = 0; j < 4; ++j) {
    code[j] = i + j < k ? static_cast<int8_t>(a[i + j] ^ flip) : int8_t{0};
    sum += code[j];
  }
  put_codes(to + i, code);
  return sum;
}

template <int R>
TENWATT_INLINE void multiply(const IntegerProduct& job, const Tile& tile, const uint8_t* panel,
                             const int32_t* zeros, int32_t* sums) {
  const int64_t fours = (job.k + 3) / 4;
  const uint8_t* column_sums = panel + fours * 64;
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v) {
    I sum[R];
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) sum[r] = I{};
    const uint8_t* line = panel + v * W * 4;
    for (int64_t i = 0; i < fours; ++i, line += 64) {
      const Line codes = load_line(line);
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) sum[r] = dot(sum[r], codes, tile.codes + r * tile.stride + 4 * i);
    }
    U zero;
    U column;
    __builtin_memcpy(&zero, zeros + v * W, sizeof zero);
    __builtin_memcpy(&column, column_sums + v * W * 4, sizeof column);
    const auto a_zero = static_cast<uint32_t>(job.a_zero);
    const U fixed = zero * (static_cast<uint32_t>(job.k) * a_zero) - column * a_zero;
    const U factor = zero + static_cast<uint32_t>(kCodeOffset);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const U result = (U)sum[r] + fixed - factor * static_cast<uint32_t>(tile.sums[r]);
      __builtin_memcpy(sums + r * job.sums_stride + v * W, &result, sizeof result);
    }
  }
}

template <int R>
void rows(const IntegerProduct& job, int64_t row) {
  const int64_t stride = (job.k + 3) / 4 * 4;
  auto* codes = static_cast<Code*>(job.scratch);
  Tile tile{codes, stride, {}};
  for (int r = 0; r < R; ++r) {
    tile.sums[r] =
        prepare_row(job.a + (row + r) * job.a_stride, job.a_flip, job.k, codes + r * stride);
  }
  const int64_t bytes = (job.k + 3) / 4 * 64 + 64;
  const auto* panels = static_cast<const uint8_t*>(job.panels);
  int32_t* sums = job.sums + row * job.sums_stride;
  for (int64_t p = job.panel_begin; p < job.panel_end; ++p) {
    multiply<R>(job, tile, panels + p * bytes, job.zeros + p * kPanelRows,
                sums + (p - job.panel_begin) * kPanelRows);
  }
}

}  // namespace

void integer_product(const IntegerProduct& job) {
  int64_t row = 0;
  for (; row + kIntegerTileRows <= job.rows; row += kIntegerTileRows) {
    rows<kIntegerTileRows>(job, row);
  }
  for (; row + 4 <= job.rows; row += 4) rows<4>(job, row);
  for (; row + 2 <= job.rows; row += 2) rows<2>(job, row);
  for (; row < job.rows; ++row) rows<1>(job, row);
}

}  // namespace tenwatt::cpu::TENWATT_LEVEL
