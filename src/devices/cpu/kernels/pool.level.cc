// Pooling over windows of up to three spatial axes.
#include "devices/cpu/kernels/element.h"
#include "devices/cpu/kernels/level.h"

namespace tenwatt::cpu::TENWATT_LEVEL {
namespace {

// The taps of output `at` that lie inside the input.
struct Taps {
  int64_t begin;
  int64_t end;
  int64_t first;  ///< input index of tap 0
};

Taps taps_of(const MaxPool::Axis& axis, int64_t at) {
  const int64_t first = at * axis.stride - axis.pad;
  const int64_t begin = first >= 0 ? 0 : (-first + axis.dilation - 1) / axis.dilation;
  const int64_t inside = axis.in - first;  // taps before this reach are inside
  int64_t end = inside <= 0 ? 0 : (inside + axis.dilation - 1) / axis.dilation;
  if (end > axis.kernel) end = axis.kernel;
  return {begin, end, first};
}

template <class T>
void one_maximum(const MaxPool& job, const Taps& depth, const Taps& height, const Taps& width,
                 int64_t out) {
  const MaxPool::Axis& h = job.axes[1];
  const MaxPool::Axis& w = job.axes[2];
  const T* x = static_cast<const T*>(job.x);
  T best = Traits<T>::kLow;
  int64_t index = -1;
  for (int64_t kd = depth.begin; kd < depth.end; ++kd) {
    const int64_t d_at = depth.first + kd * job.axes[0].dilation;
    for (int64_t kh = height.begin; kh < height.end; ++kh) {
      const int64_t h_at = height.first + kh * h.dilation;
      const T* line = x + (d_at * h.in + h_at) * w.in;
      for (int64_t kw = width.begin; kw < width.end; ++kw) {
        const int64_t w_at = width.first + kw * w.dilation;
        const T value = line[w_at];
        if (index >= 0 && !(value > best)) continue;
        best = value;
        index = d_at * job.index_steps[0] + h_at * job.index_steps[1] + w_at * job.index_steps[2];
      }
    }
  }
  static_cast<T*>(job.y)[out] = best;
  if (job.indices) job.indices[out] = index < 0 ? index : job.index_base + index;
}

}  // namespace

void max_pool(const MaxPool& job) {
  with_number(job.type, [&]<class T>() {
    int64_t out = 0;
    for (int64_t d = 0; d < job.axes[0].out; ++d) {
      const Taps depth = taps_of(job.axes[0], d);
      for (int64_t h = 0; h < job.axes[1].out; ++h) {
        const Taps height = taps_of(job.axes[1], h);
        for (int64_t w = 0; w < job.axes[2].out; ++w, ++out) {
          one_maximum<T>(job, depth, height, taps_of(job.axes[2], w), out);
        }
      }
    }
  });
}

}  // namespace tenwatt::cpu::TENWATT_LEVEL
