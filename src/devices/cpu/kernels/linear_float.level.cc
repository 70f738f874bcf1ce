// Matrix products with float weights in panels of 16 outputs: a tile of rows x panels keeps its
// sums in registers, weights are widened as they are loaded, activations broadcast from memory.
#include "devices/cpu/kernels/epilogue.h"
#include "devices/cpu/kernels/level.h"

namespace tenwatt::cpu::TENWATT_LEVEL {
namespace {

constexpr int kVectors = kPanelRows / W;  // vectors per panel

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

// Rows [row, row + R) x panels [panel, panel + P).
template <class Weights, int R, int P>
TENWATT_INLINE void tile(const LinearFloat& job, int64_t row, int64_t panel) {
  constexpr int N = P * kVectors;
  const int64_t k = job.k;
  const auto* w =
      static_cast<const typename Weights::Element*>(job.panels) + panel * k * kPanelRows;
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
      weight[v] = Weights::widen(w + (v / kVectors) * k * kPanelRows + (v % kVectors) * W);
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
    for (int v = 0; v < N; ++v) {
      finish_outputs(job, row + r, panel * kPanelRows + v * W, sum[r][v]);
    }
  }
}

// The largest tile whose sums, weights and one activation fit the registers.
constexpr int kTileRows = W == 16 ? 8 : (kRegisters == 32 ? 4 : (W == 8 ? 6 : 3));
constexpr int kTilePanels = W == 16 ? 2 : 1;

template <class Weights, int P>
void panels(const LinearFloat& job, int64_t panel) {
  int64_t row = 0;
  for (; row + kTileRows <= job.rows; row += kTileRows) {
    tile<Weights, kTileRows, P>(job, row, panel);
  }
  if constexpr (kTileRows > 4) {
    for (; row + 4 <= job.rows; row += 4) tile<Weights, 4, P>(job, row, panel);
  }
  if constexpr (kTileRows > 2) {
    for (; row + 2 <= job.rows; row += 2) tile<Weights, 2, P>(job, row, panel);
  }
  for (; row < job.rows; ++row) tile<Weights, 1, P>(job, row, panel);
}

// A single row has few sums to hide the latency of an add, so it takes more panels at a time.
template <class Weights>
void one_row(const LinearFloat& job, int64_t* panel) {
  constexpr int kPanels = 4 / kVectors > 1 ? 4 / kVectors : 1;
  for (; *panel + kPanels <= job.panel_end; *panel += kPanels) {
    tile<Weights, 1, kPanels>(job, 0, *panel);
  }
}

template <class Weights>
void run(const LinearFloat& job) {
  int64_t panel = job.panel_begin;
  if (job.rows == 1) one_row<Weights>(job, &panel);
  for (; panel + kTilePanels <= job.panel_end; panel += kTilePanels) {
    panels<Weights, kTilePanels>(job, panel);
  }
  if constexpr (kTilePanels > 1) {
    for (; panel < job.panel_end; ++panel) panels<Weights, 1>(job, panel);
  }
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
