// Products of two activations. The right operand is read as it lies where its rows are contiguous
// over outputs; a transposed one is first brought into that order, a strip of outputs at a time.
#include "devices/cpu/kernels/level.h"
#include "devices/cpu/simd/simd.h"

namespace tenwatt::cpu::TENWATT_LEVEL {
namespace {

constexpr int kTileRows = W == 16 ? 8 : (kRegisters == 32 ? 6 : 4);
constexpr int kTileVectors = 2;

// Rows [0, R) of a x V vectors of outputs, `left` of them valid.
template <int R, int V>
TENWATT_INLINE void tile(const float* a, ptrdiff_t a_stride, const float* b, ptrdiff_t b_stride,
                         float* c, ptrdiff_t c_stride, int64_t k, int64_t left) {
  F sum[R][V];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) sum[r][v] = F{};
  }
  const bool whole = left >= V * W;
  for (int64_t i = 0; i < k; ++i, b += b_stride) {
    F right[V];
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v)
      right[v] = whole ? load(b + v * W) : load_part(b + v * W, left - v * W);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const F value = set1(a[r * a_stride + i]);
#pragma GCC unroll 2
      for (int v = 0; v < V; ++v) sum[r][v] = fma(value, right[v], sum[r][v]);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) {
      if (whole) {
        store(c + r * c_stride + v * W, sum[r][v]);
      } else {
        store_part(c + r * c_stride + v * W, sum[r][v], left - v * W);
      }
    }
  }
}

// A strip of up to V vectors of outputs, all rows.
template <int V>
void strip(const Matmul& job, const float* b, ptrdiff_t b_stride, float* c, int64_t left) {
  const float* a = job.a;
  int64_t row = 0;
  const auto run = [&]<int R>() {
    for (; row + R <= job.m; row += R) {
      tile<R, V>(a + row * job.a_stride, job.a_stride, b, b_stride, c + row * job.c_stride,
                 job.c_stride, job.k, left);
    }
  };
  run.template operator()<kTileRows>();
  if constexpr (kTileRows > 4) run.template operator()<4>();
  run.template operator()<2>();
  run.template operator()<1>();
}

void any_strip(const Matmul& job, const float* b, ptrdiff_t b_stride, float* c, int64_t left) {
  if (left > W) return strip<kTileVectors>(job, b, b_stride, c, left);
  strip<1>(job, b, b_stride, c, left);
}

}  // namespace

void matmul(const Matmul& job) {
  constexpr int64_t kStrip = kTileVectors * W;
  for (int64_t n = 0; n < job.n; n += kStrip) {
    const int64_t left = job.n - n < kStrip ? job.n - n : kStrip;
    if (job.layout == MatmulB::kPlain) {
      any_strip(job, job.b + n, job.b_stride, job.c + n, left);
      continue;
    }
    for (int64_t j = 0; j < kStrip; ++j) {
      const float* column = job.b + (n + j) * job.b_stride;
      for (int64_t i = 0; i < job.k; ++i) job.scratch[i * kStrip + j] = j < left ? column[i] : 0;
    }
    any_strip(job, job.scratch, kStrip, job.c + n, left);
  }
}

}  // namespace tenwatt::cpu::TENWATT_LEVEL
