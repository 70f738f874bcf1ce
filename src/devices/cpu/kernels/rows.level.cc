// Softmax, norms, reductions over the contiguous last axis, and rotary embedding.
//
// Every sum goes over one fixed tree that depends on the row's length alone: lane-wise partial
// sums of four interleaved vectors, those four, then halves of lanes.
#include "devices/cpu/kernels/level.h"
#include "devices/cpu/simd/math.h"

namespace tenwatt::cpu::TENWATT_LEVEL {
namespace {

// Combines term(i, valid lanes) over the row; term gives `none` in lanes past the end.
template <class Term, class Op>
TENWATT_INLINE F accumulate(int64_t n, F none, Term term, Op op) {
  F a = none, b = none, c = none, d = none;
  int64_t i = 0;
  for (; i + 4 * W <= n; i += 4 * W) {
    a = op(a, term(i, W));
    b = op(b, term(i + W, W));
    c = op(c, term(i + 2 * W, W));
    d = op(d, term(i + 3 * W, W));
  }
  for (; i < n; i += W) a = op(a, term(i, n - i));
  return op(op(a, b), op(c, d));
}

TENWATT_INLINE F part(const float* p, int64_t left) {
  return left >= W ? load(p) : load_part(p, left);
}
TENWATT_INLINE void put(float* p, F v, int64_t left) {
  if (left >= W) {
    store(p, v);
  } else {
    store_part(p, v, left);
  }
}
TENWATT_INLINE F valid(F v, int64_t left, F otherwise) {
  return left >= W ? v : choose(lanes_in(0, left), v, otherwise);
}

TENWATT_INLINE F add_op(F a, F b) { return a + b; }
TENWATT_INLINE F max_op(F a, F b) { return choose((a > b) | (a != a), a, b); }
TENWATT_INLINE F min_op(F a, F b) { return choose((a < b) | (a != a), a, b); }
TENWATT_INLINE F mul_op(F a, F b) { return a * b; }

float row_max(const float* x, int64_t n) {
  const F low = set1(-kInfinity);
  const auto term = [=](int64_t i, int64_t left) { return valid(part(x + i, left), left, low); };
  return fold_max(accumulate(n, low, term, [](F a, F b) { return max(a, b); }));
}

float row_sum(const float* x, int64_t n) {
  const auto term = [=](int64_t i, int64_t left) { return part(x + i, left); };
  return fold_sum(accumulate(n, F{}, term, add_op));
}

float sum_squares(const float* x, int64_t n) {
  const auto term = [=](int64_t i, int64_t left) {
    const F v = part(x + i, left);
    return v * v;
  };
  return fold_sum(accumulate(n, F{}, term, add_op));
}

float one_sqrt(float x) { return sqrt(set1(x))[0]; }

}  // namespace

void softmax(const Rows& job) {
  for (int64_t r = 0; r < job.rows; ++r) {
    const float* x = job.x + r * job.x_stride;
    float* y = job.y + r * job.y_stride;
    const float peak = row_max(x, job.n);
    // A row without any finite score has no peak to subtract.
    const F shift = set1(peak == -kInfinity ? 0.0f : peak);
    const auto term = [=](int64_t i, int64_t left) {
      const F e = valid(exp(part(x + i, left) - shift), left, F{});
      put(y + i, e, left);
      return e;
    };
    const float sum = fold_sum(accumulate(job.n, F{}, term, add_op));
    const F inverse = set1(1.0f / sum);
    for (int64_t i = 0; i < job.n; i += W) {
      put(y + i, part(y + i, job.n - i) * inverse, job.n - i);
    }
  }
}

void log_softmax(const Rows& job) {
  for (int64_t r = 0; r < job.rows; ++r) {
    const float* x = job.x + r * job.x_stride;
    float* y = job.y + r * job.y_stride;
    const F peak = set1(row_max(x, job.n));
    const auto term = [=](int64_t i, int64_t left) {
      return valid(exp(part(x + i, left) - peak), left, F{});
    };
    const F shift = log(set1(fold_sum(accumulate(job.n, F{}, term, add_op))));
    for (int64_t i = 0; i < job.n; i += W) {
      put(y + i, part(x + i, job.n - i) - peak - shift, job.n - i);
    }
  }
}

void layer_norm(const Rows& job, const LayerNorm& norm) {
  const float inverse_n = 1.0f / static_cast<float>(job.n);
  for (int64_t r = 0; r < job.rows; ++r) {
    const float* x = job.x + r * job.x_stride;
    float* y = job.y + r * job.y_stride;
    const F mean = set1(row_sum(x, job.n) * inverse_n);
    const auto term = [=](int64_t i, int64_t left) {
      const F d = valid(part(x + i, left) - mean, left, F{});
      return d * d;
    };
    const float variance = fold_sum(accumulate(job.n, F{}, term, add_op)) * inverse_n;
    const F scale = set1(1.0f / one_sqrt(variance + norm.epsilon));
    for (int64_t i = 0; i < job.n; i += W) {
      const int64_t left = job.n - i;
      F v = (part(x + i, left) - mean) * scale;
      if (norm.weight) v = v * part(norm.weight + i, left);
      if (norm.bias) v += part(norm.bias + i, left);
      put(y + i, v, left);
    }
    if (norm.mean) norm.mean[r] = mean[0];
    if (norm.inverse) norm.inverse[r] = scale[0];
  }
}

void rms_norm(const Rows& job, const float* weight, float epsilon) {
  for (int64_t r = 0; r < job.rows; ++r) {
    const float* x = job.x + r * job.x_stride;
    float* y = job.y + r * job.y_stride;
    const float mean = sum_squares(x, job.n) / static_cast<float>(job.n);
    const F scale = set1(1.0f / one_sqrt(mean + epsilon));
    for (int64_t i = 0; i < job.n; i += W) {
      const int64_t left = job.n - i;
      put(y + i, part(x + i, left) * scale * part(weight + i, left), left);
    }
  }
}

void reduce(Reduce op, const Rows& job) {
  for (int64_t r = 0; r < job.rows; ++r) {
    const float* x = job.x + r * job.x_stride;
    const int64_t n = job.n;
    const auto padded = [=](F none) {
      return [=](int64_t i, int64_t left) { return valid(part(x + i, left), left, none); };
    };
    float* y = job.y + r * job.y_stride;
    switch (op) {
      case Reduce::kSum:
        *y = row_sum(x, n);
        break;
      case Reduce::kMean:
        *y = row_sum(x, n) / static_cast<float>(n);
        break;
      case Reduce::kSumSquares:
        *y = sum_squares(x, n);
        break;
      case Reduce::kMax: {
        const F none = set1(-kInfinity);
        *y = fold(accumulate(n, none, padded(none), max_op), max_op);
        break;
      }
      case Reduce::kMin: {
        const F none = set1(kInfinity);
        *y = fold(accumulate(n, none, padded(none), min_op), min_op);
        break;
      }
      case Reduce::kProduct: {
        const F none = set1(1.0f);
        *y = fold(accumulate(n, none, padded(none), mul_op), mul_op);
        break;
      }
    }
  }
}

void rotary(const Rotary& job) {
  const int64_t half = job.rotary_dim / 2;
  for (int64_t h = 0; h < job.heads; ++h) {
    float* x = job.x + h * job.head_stride;
    if (job.pairs == RotaryPairs::kInterleaved) {
      for (int64_t i = 0; i < half; ++i) {
        const float a = x[2 * i];
        const float b = x[2 * i + 1];
        x[2 * i] = a * job.cos[i] - b * job.sin[i];
        x[2 * i + 1] = b * job.cos[i] + a * job.sin[i];
      }
      continue;
    }
    for (int64_t i = 0; i < half; i += W) {
      const int64_t left = half - i;
      const F a = part(x + i, left);
      const F b = part(x + half + i, left);
      const F cosine = part(job.cos + i, left);
      const F sine = part(job.sin + i, left);
      put(x + i, a * cosine - b * sine, left);
      put(x + half + i, b * cosine + a * sine, left);
    }
  }
}

}  // namespace tenwatt::cpu::TENWATT_LEVEL
