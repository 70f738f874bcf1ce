// Matrix products with float weights in panels of 16 outputs: a tile of rows x outputs keeps its
// sums in registers, weights are widened as they are loaded, activations broadcast from memory.
#include "devices/cpu/kernels/epilogue.h"
#include "devices/cpu/kernels/level.h"

namespace tenwatt::cpu::TENWATT_LEVEL {
namespace {

struct F32 {
  typedef float Element;
  static TENWATT_INLINE F widen(const Element* p) { return load(p); }
};
struct F16 {
  typedef uint16_t Element;
  static TENWATT_INLINE F widen(const Element* p) { return load_f16(p); }
};
struct BF16 {
  typedef uint16_t Element;
  static TENWATT_INLINE F widen(const Element* p) { return load_bf16(p); }
};

// Rows [row, row + R) x N vectors of outputs from `output`.
template <class Weights, int R, int N>
TENWATT_INLINE void tile(const LinearFloat& job, int64_t row, int64_t output) {
  const int64_t k = job.k;
  const auto* w = static_cast<const typename Weights::Element*>(job.panels) +
                  output / kPanelRows * k * kPanelRows + output % kPanelRows;
  const float* x = job.x + row * job.x_stride;
  const ptrdiff_t stride = job.x_stride;
  F sum[R][N];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 16
    for (int v = 0; v < N; ++v) sum[r][v] = F{};
  }
  for (int64_t i = 0; i < k; ++i) {
    F weight[N];
#pragma GCC unroll 16
    for (int v = 0; v < N; ++v) {
      weight[v] = Weights::widen(w + v * W / kPanelRows * k * kPanelRows + v * W % kPanelRows);
    }
    w += kPanelRows;
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      const F value = set1(x[r * stride + i]);
#pragma GCC unroll 16
      for (int v = 0; v < N; ++v) sum[r][v] = fma(value, weight[v], sum[r][v]);
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 16
    for (int v = 0; v < N; ++v) finish_outputs(job, row + r, output + v * W, sum[r][v]);
  }
}

// The largest tile whose sums, weights and one activation fit the registers. A single row has few
// sums to hide the latency of an add, so it takes more outputs at a time.
constexpr int kTileRows = W == 16 ? 8 : (W == 8 ? 6 : 4);
constexpr int kTileVectors = W == 4 && kRegisters == 32 ? 4 : 2;
constexpr int kRowVectors = 4;

template <class Weights, int N>
void all_rows(const LinearFloat& job, int64_t output) {
  int64_t row = 0;
  for (; row + kTileRows <= job.rows; row += kTileRows) {
    tile<Weights, kTileRows, N>(job, row, output);
  }
  if constexpr (kTileRows > 4) {
    for (; row + 4 <= job.rows; row += 4) tile<Weights, 4, N>(job, row, output);
  }
  for (; row + 2 <= job.rows; row += 2) tile<Weights, 2, N>(job, row, output);
  for (; row < job.rows; ++row) tile<Weights, 1, N>(job, row, output);
}

template <class Weights>
void run(const LinearFloat& job) {
  const int64_t end = job.panel_end * kPanelRows;
  int64_t output = job.panel_begin * kPanelRows;
  if (job.rows == 1) {
    for (; output + kRowVectors * W <= end; output += kRowVectors * W) {
      tile<Weights, 1, kRowVectors>(job, 0, output);
    }
  }
  for (; output + kTileVectors * W <= end; output += kTileVectors * W) {
    all_rows<Weights, kTileVectors>(job, output);
  }
  for (; output < end; output += W) all_rows<Weights, 1>(job, output);
}

}  // namespace

void linear_float(const LinearFloat& job) {
  switch (job.format) {
    case FloatFormat::kF32:
      return run<F32>(job);
    case FloatFormat::kF16:
      return run<F16>(job);
    case FloatFormat::kBF16:
      return run<BF16>(job);
  }
}

}  // namespace tenwatt::cpu::TENWATT_LEVEL
