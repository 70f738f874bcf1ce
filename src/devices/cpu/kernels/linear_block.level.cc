// Matrix products of int8 activations with block-quantised weights in R16K4 panels (table.h).
//
// Per scale an exact integer sum for each of 16 rows, then one scaled add into the output's float
// accumulator. How codes lie is block_formats.h and block_codes.h, how a level multiplies them
// row_sums.h; the float part does not depend on how many rows a tile has.
#include "devices/cpu/kernels/block_codes.h"
#include "devices/cpu/kernels/epilogue.h"
#include "devices/cpu/kernels/indices.h"
#include "devices/cpu/kernels/level.h"
#include "devices/cpu/kernels/row_sums.h"

namespace tenwatt::cpu::TENWATT_LEVEL {
namespace {

constexpr int kVectors = kPanelRows / W;
constexpr int64_t kPrefetchAhead = 4608;

// Where one block's bytes are.
struct Where {
  const uint8_t* codes;
  const uint8_t* scales;
  const uint8_t* head;  // f16 d and dmin of a super-block
};

TENWATT_INLINE F halves(const uint8_t* p) { return load_f16(reinterpret_cast<const uint16_t*>(p)); }

// The scales of 16 rows, of which vector v is asked for. kPart: which 16 k, where those differ.
template <Scales kScales, int kPart>
TENWATT_INLINE F scale_of(const Where& at, int v) {
  if constexpr (kScales == Scales::kBrains) {
    return load_bf16(reinterpret_cast<const uint16_t*>(at.scales + 2 * v * W));
  }
  if constexpr (kScales == Scales::kHalves || kScales == Scales::kHalvesMinima) {
    return halves(at.scales + 2 * v * W);
  }
  I step = load_i8(at.scales + kPart * kStepBytes + v * W);
  if constexpr (kScales == Scales::kPairStepsRises) step &= 15;
  return halves(at.head + 2 * v * W) * to_float(step);
}

template <Scales kScales>
constexpr bool has_minimum() {
  return kScales == Scales::kHalvesMinima || kScales == Scales::kStepsRises ||
         kScales == Scales::kPairStepsRises;
}

template <Scales kScales, int kPart>
TENWATT_INLINE F minimum_of(const Where& at, int v) {
  if constexpr (kScales == Scales::kHalvesMinima) {
    return halves(at.scales + 2 * (kPanelRows + v * W));
  }
  const F minimum = halves(at.head + 2 * (kPanelRows + v * W));
  if constexpr (kScales == Scales::kStepsRises) {
    return minimum * to_float(load_i8(at.scales + kStepBytes + v * W));
  }
  const I both = load_i8(at.scales + kPart * kStepBytes + v * W);
  return minimum * to_float((both >> 4) & 15);
}

// What a minimum is multiplied with: the scaled sum of the activations it belongs to.
template <Part kPart>
TENWATT_INLINE F minimum_factor(const QuantBlock& x) {
  if constexpr (kPart == Part::kWhole) return set1(x.scaled_sum);
  return set1(x.scale * (-0.125f * static_cast<float>(x.half_offset[kPart == Part::kHigh])));
}

constexpr SumKind sum_kind(const BlockTraits& traits, Part part) {
  constexpr int kLargest[] = {3, 7, 15, 31, 63, 255};
  switch (traits.codebook) {
    case Codebook::kNonlinear:
      return {255, traits.zero, part};
    case Codebook::kFloat4:
      return {31, traits.zero, part};
    case Codebook::kNone:
      break;
  }
  return {kLargest[static_cast<int>(traits.bits)], traits.zero, part};
}

// Levels of the codebooks plus their zero.
alignas(16) constexpr uint8_t kNonlinear[16] = {1,   24,  45,  63,  79,  93,  106, 118,
                                                129, 141, 153, 166, 181, 197, 217, 241};
alignas(16) constexpr uint8_t kFloat4[16] = {16, 17, 18, 19, 20, 22, 24, 28,
                                             16, 15, 14, 13, 12, 10, 8,  4};

template <Codebook kCodebook>
TENWATT_INLINE I looked_up(I codes) {
  if constexpr (kCodebook == Codebook::kNone) return codes;
  if constexpr (kCodebook == Codebook::kNonlinear) return (I)look_up(kNonlinear, (B)codes);
  if constexpr (kCodebook == Codebook::kFloat4) return (I)look_up(kFloat4, (B)codes);
}

// One scale's share of a block: float accumulators take the finished integer sums.
template <const BlockTraits& kTraits, Part kPart, int R, class Sums>
TENWATT_INLINE void flush(const Sums& sums, const Where& at, int v, const QuantBlock* x,
                          ptrdiff_t stride, F (&out)[R][kVectors]) {
  constexpr int kIndex = kPart == Part::kHigh ? 1 : 0;
  const F scale = scale_of<kTraits.scales, kIndex>(at, v);
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
    const QuantBlock& block = x[r * stride];
    out[r][v] = fma(to_float(sums.get(r, block)), scale * block.scale, out[r][v]);
  }
  if constexpr (has_minimum<kTraits.scales>()) {
    const F minimum = minimum_of<kTraits.scales, kIndex>(at, v);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      out[r][v] = fma(minimum, minimum_factor<kPart>(x[r * stride]), out[r][v]);
    }
  }
}

TENWATT_INLINE I load_line(const uint8_t* p) {
  I line = (I)load_bytes(p);
#if defined(__AVX512F__)
  __asm__("" : "+v"(line));  // or GCC 12 loads it again for each use
#endif
  return line;
}

template <const BlockTraits& kTraits, int R>
TENWATT_INLINE void whole_block(const Where& at, int v, const QuantBlock* x, ptrdiff_t stride,
                                F (&out)[R][kVectors]) {
  RowSums<sum_kind(kTraits, Part::kWhole), R> sums;
  sums.start(x, stride);
  each_word<kTraits.bits>(
      [&](int line) __attribute__((always_inline)) {
        return load_line(at.codes + line * kLineBytes + v * 4 * W);
      },
      [&](auto j, I codes) __attribute__((always_inline)) {
        sums.template add<decltype(j)::value>(looked_up<kTraits.codebook>(codes), x, stride);
      });
  flush<kTraits, Part::kWhole, R>(sums, at, v, x, stride, out);
}

// Words 0 to 3 have a scale of their own, and so have words 4 to 7.
template <const BlockTraits& kTraits, int R>
TENWATT_INLINE void halved_block(const Where& at, int v, const QuantBlock* x, ptrdiff_t stride,
                                 F (&out)[R][kVectors]) {
  RowSums<sum_kind(kTraits, Part::kLow), R> low;
  RowSums<sum_kind(kTraits, Part::kHigh), R> high;
  low.start(x, stride);
  each_word<kTraits.bits>(
      [&](int line) __attribute__((always_inline)) {
        return load_line(at.codes + line * kLineBytes + v * 4 * W);
      },
      [&](auto j, I codes) __attribute__((always_inline)) {
        if constexpr (decltype(j)::value < 4) {
          low.template add<decltype(j)::value>(codes, x, stride);
        } else {
          if constexpr (decltype(j)::value == 4) {
            flush<kTraits, Part::kLow, R>(low, at, v, x, stride, out);
            high.start(x, stride);
          }
          high.template add<decltype(j)::value>(codes, x, stride);
        }
      });
  flush<kTraits, Part::kHigh, R>(high, at, v, x, stride, out);
}

template <const BlockTraits& kTraits, int R>
TENWATT_INLINE void one_vector(const Where& at, int v, const QuantBlock* x, ptrdiff_t stride,
                               F (&out)[R][kVectors]) {
  // Or the compiler broadcasts all activations once for all vectors, and keeps them in memory.
  if constexpr (kVectors > 1) __asm__ volatile("" : "+r"(x));
  constexpr bool kHalved =
      kTraits.scales == Scales::kPairSteps || kTraits.scales == Scales::kPairStepsRises;
  if constexpr (kHalved) {
    halved_block<kTraits, R>(at, v, x, stride, out);
  } else {
    whole_block<kTraits, R>(at, v, x, stride, out);
  }
}

// Accumulators that fit no registers anyway need no copy of the code for each vector.
template <const BlockTraits& kTraits, int R>
TENWATT_INLINE void block(const Where& at, const QuantBlock* x, ptrdiff_t stride,
                          F (&out)[R][kVectors]) {
  if constexpr (R * kVectors < kRegisters) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) one_vector<kTraits, R>(at, v, x, stride, out);
  } else {
#pragma GCC unroll 1
    for (int v = 0; v < kVectors; ++v) one_vector<kTraits, R>(at, v, x, stride, out);
  }
}

enum class Prefetch { kNo, kYes };

// The blocks that share scales: all of a group, or what is left of the last one.
template <const BlockTraits& kTraits, int R, Prefetch kPrefetch>
TENWATT_INLINE void group(const uint8_t* base, int64_t filled, const QuantBlock* x,
                          ptrdiff_t stride, F (&sum)[R][kVectors]) {
  constexpr GroupShape kShape = shape_of(kTraits);
  constexpr bool kHead = kShape.head_bytes > 0;
  constexpr int64_t kScaleStep = kHead ? kShape.step_bytes : 2 * kPanelRows;
  const uint8_t* codes = base + kShape.head_bytes;
  const uint8_t* scales = kHead ? base + kLineBytes : codes + filled * kShape.code_bytes;
  for (int64_t i = 0; i < filled; ++i) {
    if constexpr (kPrefetch == Prefetch::kYes) {
#pragma GCC unroll 8
      for (int64_t line = 0; line < kShape.code_bytes; line += kLineBytes) {
        __builtin_prefetch(codes + kPrefetchAhead + line);
      }
    }
    block<kTraits, R>({codes, scales, base}, x + i, stride, sum);
    codes += kShape.code_bytes;
    scales += kScaleStep;
  }
}

// Rows [row, row + R) of one panel.
template <const BlockTraits& kTraits, int R, Prefetch kPrefetch>
TENWATT_INLINE void tile(const LinearBlock& job, const uint8_t* panel, int64_t row,
                         int64_t number) {
  constexpr GroupShape kShape = shape_of(kTraits);
  const QuantBlock* x = job.x + row * job.x_stride;
  const ptrdiff_t stride = job.x_stride;
  const int64_t blocks = job.k / 32;
  F sum[R][kVectors];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) sum[r][v] = F{};
  }
  for (int64_t b = 0; b < blocks; b += kShape.blocks) {
    const int64_t left = blocks - b;
    const int64_t filled = left < kShape.blocks ? left : kShape.blocks;
    group<kTraits, R, kPrefetch>(panel, filled, x + b, stride, sum);
    panel += panel_bytes_of(kShape, kShape.blocks);
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      finish_outputs(job, row + r, number * kPanelRows + v * W, sum[r][v]);
    }
  }
}

// Prefetching pays once a block has more instructions than the processor looks ahead, from 4
// rows, and only for the first rows of a panel: later ones find it in the cache.
template <const BlockTraits& kTraits>
void rows(const LinearBlock& job, const uint8_t* panel, int64_t number) {
  int64_t row = 0;
  for (; row + kTileRows <= job.rows; row += kTileRows) {
    if (row == 0) {
      tile<kTraits, kTileRows, Prefetch::kYes>(job, panel, row, number);
    } else {
      tile<kTraits, kTileRows, Prefetch::kNo>(job, panel, row, number);
    }
  }
  if constexpr (kTileRows > 4) {
    if (row + 4 <= job.rows) {
      tile<kTraits, 4, Prefetch::kYes>(job, panel, row, number);
      row += 4;
    }
  }
  if constexpr (kTileRows > 2) {
    if (row + 3 == job.rows) return tile<kTraits, 3, Prefetch::kNo>(job, panel, row, number);
    if (row + 2 == job.rows) return tile<kTraits, 2, Prefetch::kNo>(job, panel, row, number);
  }
  if (row < job.rows) tile<kTraits, 1, Prefetch::kNo>(job, panel, row, number);
}

// Rows that go through all panels together. Their activations stay in the second-level cache,
// while the panels, read once for each group, stream from the third.
constexpr int64_t kGroupRows = 64;

LinearBlock row_group(const LinearBlock& job, int64_t first) {
  LinearBlock group = job;
  group.x += first * job.x_stride;
  group.y += first * job.y_stride;
  if (job.residual) group.residual += first * job.residual_stride;
  group.rows = smaller(job.rows - first, kGroupRows);
  return group;
}

template <BlockFormat kFormat>
void run(const LinearBlock& job) {
  constexpr const BlockTraits& kTraits = kBlockTraits[static_cast<size_t>(kFormat)];
  static_assert(kTraits.format == kFormat);
  const int64_t bytes = panel_bytes_of(shape_of(kTraits), job.k / 32);
  const auto* panels = static_cast<const uint8_t*>(job.panels);
  for (int64_t first = 0; first < job.rows; first += kGroupRows) {
    const LinearBlock group = row_group(job, first);
    for (int64_t p = job.panel_begin; p < job.panel_end; ++p) {
      rows<kTraits>(group, panels + p * bytes, p);
    }
  }
}

constexpr void (*kRuns[])(const LinearBlock&) = {
    run<BlockFormat::kQ4_0>,  run<BlockFormat::kQ4_1>,   run<BlockFormat::kQ8_0>,
    run<BlockFormat::kQ5_0>,  run<BlockFormat::kQ5_1>,   run<BlockFormat::kQ2_K>,
    run<BlockFormat::kQ3_K>,  run<BlockFormat::kQ4_K>,   run<BlockFormat::kQ5_K>,
    run<BlockFormat::kQ6_K>,  run<BlockFormat::kIQ4_NL>, run<BlockFormat::kIQ4_XS>,
    run<BlockFormat::kMXFP4>,
};

}  // namespace

void linear_block(const LinearBlock& job) { kRuns[static_cast<size_t>(job.format)](job); }

}  // namespace tenwatt::cpu::TENWATT_LEVEL
