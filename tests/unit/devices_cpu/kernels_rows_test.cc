// Softmax, norms, reductions, rotary embedding and products of two activations.
#include "unit/devices_cpu/kernels_support.h"

#include <algorithm>

namespace tenwatt::cpu {
namespace {

TENWATT_EVERY_LEVEL(RowKernel);

constexpr int64_t kLengths[] = {1, 3, 4, 15, 16, 17, 63, 64, 65, 130, 577, 1500};

TEST_P(RowKernel, SoftmaxAndLogSoftmax) {
  for (const int64_t n : kLengths) {
    const int64_t rows = 3, stride = n + 2;
    auto x = random(rows * stride, 4.0f);
    for (int64_t r = 0; r < rows; ++r) x[r * stride + n] = 1e30f;  // outside the row
    std::vector<float> y(rows * stride, 77.0f), z(rows * stride, 77.0f);
    table().softmax({x.data(), stride, y.data(), stride, rows, n});
    table().log_softmax({x.data(), stride, z.data(), stride, rows, n});
    for (int64_t r = 0; r < rows; ++r) {
      const float* row = x.data() + r * stride;
      const double peak = *std::max_element(row, row + n);
      double sum = 0;
      for (int64_t i = 0; i < n; ++i) sum += std::exp(row[i] - peak);
      for (int64_t i = 0; i < n; ++i) {
        const double exact = std::exp(row[i] - peak) / sum;
        ASSERT_NEAR(y[r * stride + i], exact, 3e-6 * exact + 1e-12);
        ASSERT_NEAR(z[r * stride + i], std::log(exact), 4e-6);
      }
      ASSERT_EQ(y[r * stride + n], 77.0f);
      ASSERT_EQ(z[r * stride + n], 77.0f);
    }
  }
}

TEST_P(RowKernel, SoftmaxGivesMaskedScoresNothing) {
  const float inf = std::numeric_limits<float>::infinity();
  const std::vector<float> x = {1.0f, -inf, 1.0f, -inf, -inf};
  std::vector<float> y(5);
  table().softmax({x.data(), 5, y.data(), 5, 1, 5});
  EXPECT_EQ(y, (std::vector<float>{0.5f, 0.0f, 0.5f, 0.0f, 0.0f}));
}

TEST_P(RowKernel, LayerNormAndRmsNorm) {
  for (const int64_t n : kLengths) {
    const auto x = random(n, 2.0f), w = random(n), b = random(n);
    std::vector<float> y(n + 1, 77.0f), z(n + 1, 77.0f);
    table().layer_norm({x.data(), n, y.data(), n, 1, n},
                       {w.data(), b.data(), 1e-5f, nullptr, nullptr});
    table().rms_norm({x.data(), n, z.data(), n, 1, n}, w.data(), 1e-5f);
    double mean = 0, square = 0, variance = 0;
    for (const float v : x) mean += v / static_cast<double>(n);
    for (const float v : x) square += static_cast<double>(v) * v / n;
    for (const float v : x) variance += (v - mean) * (v - mean) / n;
    for (int64_t i = 0; i < n; ++i) {
      ASSERT_NEAR(y[i], (x[i] - mean) / std::sqrt(variance + 1e-5) * w[i] + b[i], 1e-5) << n;
      const double exact = x[i] / std::sqrt(square + 1e-5) * w[i];
      ASSERT_NEAR(z[i], exact, 2e-6 * std::abs(exact));
    }
    ASSERT_EQ(y[n], 77.0f);
    ASSERT_EQ(z[n], 77.0f);
  }
}

TEST_P(RowKernel, Reductions) {
  for (const int64_t n : kLengths) {
    const auto x = random(n);
    Exact sum, squares;
    for (const float v : x) sum.add(v);
    for (const float v : x) squares.add(static_cast<double>(v) * v);
    const auto run = [&](Reduce op) {
      float y = 0;
      table().reduce(op, {x.data(), n, &y, 1, 1, n});
      return y;
    };
    ASSERT_ROUNDED(run(Reduce::kSum), sum);
    ASSERT_ROUNDED(run(Reduce::kSumSquares), squares);
    ASSERT_NEAR(run(Reduce::kMean), sum.sum / n, rounding_bound(sum) / n + 1e-7);
    ASSERT_EQ(run(Reduce::kMax), *std::max_element(x.begin(), x.end()));
    ASSERT_EQ(run(Reduce::kMin), *std::min_element(x.begin(), x.end()));
    if (n <= 17) {
      double product = 1;
      for (const float v : x) product *= v;
      ASSERT_NEAR(run(Reduce::kProduct), product, 1e-5 * std::abs(product));
    }
  }
}

TEST_P(RowKernel, RotaryTurnsPairs) {
  const int64_t heads = 3, stride = 70, dim = 38;
  for (const RotaryPairs pairs : {RotaryPairs::kHalf, RotaryPairs::kInterleaved}) {
    const auto x = random(heads * stride);
    std::vector<float> cosine(dim / 2), sine(dim / 2);
    for (int64_t i = 0; i < dim / 2; ++i) {
      cosine[i] = std::cos(0.3f * static_cast<float>(i));
      sine[i] = std::sin(0.3f * static_cast<float>(i));
    }
    auto y = x;
    table().rotary({y.data(), heads, stride, cosine.data(), sine.data(), dim, pairs});
    for (int64_t h = 0; h < heads; ++h) {
      for (int64_t i = 0; i < dim / 2; ++i) {
        const bool half = pairs == RotaryPairs::kHalf;
        const int64_t first = h * stride + (half ? i : 2 * i);
        const int64_t second = h * stride + (half ? i + dim / 2 : 2 * i + 1);
        ASSERT_NEAR(y[first], x[first] * cosine[i] - x[second] * sine[i], 1e-6);
        ASSERT_NEAR(y[second], x[second] * cosine[i] + x[first] * sine[i], 1e-6);
      }
      for (int64_t i = dim; i < stride; ++i) ASSERT_EQ(y[h * stride + i], x[h * stride + i]);
    }
  }
}

TEST_P(RowKernel, MatmulEqualsSumsInDoubleInBothOrientations) {
  for (int trial = 0; trial < 60; ++trial) {
    const int64_t m = number(1, 19), n = number(1, 75), k = number(1, 90);
    const int64_t c_stride = n + 1;
    const auto a = random(m * k), b = random(k * n);
    std::vector<float> turned(n * k), scratch(matmul_scratch_floats(k), kPoison);
    for (int64_t i = 0; i < k; ++i) {
      for (int64_t j = 0; j < n; ++j) turned[j * k + i] = b[i * n + j];
    }
    std::vector<float> c(m * c_stride, 77.0f), d(m * c_stride, 77.0f), rows(m * c_stride, 77.0f);
    table().matmul(
        {a.data(), k, b.data(), n, c.data(), c_stride, m, n, k, MatmulB::kPlain, nullptr});
    table().matmul({a.data(), k, turned.data(), k, d.data(), c_stride, m, n, k,
                    MatmulB::kTransposed, scratch.data()});
    expect_same_bits(c, d);
    for (int64_t r = 0; r < m; ++r) {
      table().matmul({a.data() + r * k, k, b.data(), n, rows.data() + r * c_stride, c_stride, 1, n,
                      k, MatmulB::kPlain, nullptr});
      for (int64_t j = 0; j < n; ++j) {
        Exact exact;
        for (int64_t i = 0; i < k; ++i) exact.add(static_cast<double>(a[r * k + i]) * b[i * n + j]);
        ASSERT_ROUNDED(c[r * c_stride + j], exact);
      }
      ASSERT_EQ(c[r * c_stride + n], 77.0f);
    }
    expect_same_bits(c, rows);
  }
}

}  // namespace
}  // namespace tenwatt::cpu
