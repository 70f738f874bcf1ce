// Matrix products of any strides over every number: integers, f64, and transposed f32 operands
// (matmul.level.cc has the fast one). Each output is one sum in ascending k.
#include "devices/cpu/kernels/element.h"
#include "devices/cpu/kernels/level.h"

namespace tenwatt::cpu::TENWATT_LEVEL {
namespace {

constexpr int64_t kStrip = 64;  // outputs whose sums are held at once

template <class T>
void product_strip(const Product& job, int64_t row, int64_t first, int64_t count) {
  const T* a = static_cast<const T*>(job.a) + row * job.a_row;
  const T* b = static_cast<const T*>(job.b) + first * job.b_column;
  T* c = static_cast<T*>(job.c) + row * job.c_row + first;
  Wrap<T> sums[kStrip] = {};
  for (int64_t p = 0; p < job.k; ++p) {
    const Wrap<T> factor = static_cast<Wrap<T>>(a[p * job.a_column]);
    const T* line = b + p * job.b_row;
    if (job.b_column == 1) {
      for (int64_t j = 0; j < count; ++j) sums[j] += factor * static_cast<Wrap<T>>(line[j]);
    } else {
      for (int64_t j = 0; j < count; ++j) {
        sums[j] += factor * static_cast<Wrap<T>>(line[j * job.b_column]);
      }
    }
  }
  for (int64_t j = 0; j < count; ++j) c[j] = static_cast<T>(sums[j]);
}

}  // namespace

void product(const Product& job) {
  with_number(job.type, [&]<class T>() {
    for (int64_t row = 0; row < job.m; ++row) {
      for (int64_t first = 0; first < job.n; first += kStrip) {
        const int64_t count = job.n - first < kStrip ? job.n - first : kStrip;
        product_strip<T>(job, row, first, count);
      }
    }
  });
}

}  // namespace tenwatt::cpu::TENWATT_LEVEL
