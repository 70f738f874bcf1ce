// Elementwise operators, row operators and matrix products of activations.
#include "unit/devices_cpu/kernels_support.h"

#include <algorithm>
#include <functional>

namespace tenwatt::cpu {
namespace {

TENWATT_EVERY_LEVEL(ElementwiseKernel);

struct UnaryCase {
  Unary op;
  std::function<double(double)> exact;
  double low, high;
  double relative;  // error allowed, of the result
  double absolute;  // and of one
};

double gelu_tanh_exact(double x) {
  return 0.5 * x * (1 + std::tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)));
}

const UnaryCase kUnaryCases[] = {
    {Unary::kAbs, [](double x) { return std::abs(x); }, -9, 9, 0, 0},
    {Unary::kCeil, [](double x) { return std::ceil(x); }, -9, 9, 0, 0},
    {Unary::kClip, [](double x) { return std::clamp(x, 0.25, 0.75); }, -2, 2, 0, 0},
    {Unary::kCos, [](double x) { return std::cos(x); }, -50, 50, 1e-7, 1e-7},
    {Unary::kErf, [](double x) { return std::erf(x); }, -6, 6, 0, 1.5e-7},
    {Unary::kElu, [](double x) { return x > 0 ? x : 0.25 * std::expm1(x); }, -9, 9, 1e-7, 1e-7},
    {Unary::kExp, [](double x) { return std::exp(x); }, -87, 88, 2.4e-7, 0},
    {Unary::kFloor, [](double x) { return std::floor(x); }, -9, 9, 0, 0},
    {Unary::kGeluErf, [](double x) { return 0.5 * x * (1 + std::erf(x * M_SQRT1_2)); }, -6, 6, 2e-7,
     4e-7},
    {Unary::kGeluTanh, gelu_tanh_exact, -6, 6, 2e-7, 4e-7},
    {Unary::kHardSigmoid, [](double x) { return std::clamp(0.25 * x + 0.75, 0.0, 1.0); }, -9, 9,
     2e-7, 2e-7},
    {Unary::kIdentity, [](double x) { return x; }, -9, 9, 0, 0},
    {Unary::kLeakyRelu, [](double x) { return x < 0 ? 0.25 * x : x; }, -9, 9, 0, 0},
    {Unary::kLinear, [](double x) { return 0.25 * x + 0.75; }, -9, 9, 2e-7, 2e-7},
    {Unary::kLog, [](double x) { return std::log(x); }, 1e-6, 50, 2e-7, 1e-7},
    {Unary::kNeg, [](double x) { return -x; }, -9, 9, 0, 0},
    {Unary::kReciprocal, [](double x) { return 1 / x; }, 0.1, 9, 1e-7, 0},
    {Unary::kRelu, [](double x) { return std::max(x, 0.0); }, -9, 9, 0, 0},
    {Unary::kRound, [](double x) { return std::nearbyint(x); }, -9, 9, 0, 0},
    {Unary::kRsqrt, [](double x) { return 1 / std::sqrt(x); }, 0.1, 9, 2e-7, 0},
    {Unary::kSigmoid, [](double x) { return 1 / (1 + std::exp(-x)); }, -60, 60, 4e-7, 0},
    {Unary::kSign, [](double x) { return x > 0 ? 1.0 : (x < 0 ? -1.0 : 0.0); }, -2, 2, 0, 0},
    {Unary::kSilu, [](double x) { return x / (1 + std::exp(-x)); }, -60, 60, 5e-7, 0},
    {Unary::kSin, [](double x) { return std::sin(x); }, -50, 50, 1e-7, 1e-7},
    {Unary::kSoftplus, [](double x) { return std::log1p(std::exp(x)); }, -80, 80, 1e-6, 1e-7},
    {Unary::kSqrt, [](double x) { return std::sqrt(x); }, 0, 9, 1e-7, 0},
    {Unary::kSquare, [](double x) { return x * x; }, -9, 9, 1e-7, 0},
    {Unary::kTanh, [](double x) { return std::tanh(x); }, -12, 12, 3e-7, 0},
};

TEST_P(ElementwiseKernel, UnaryOperatorsKeepTheirAccuracy) {
  const int64_t n = 20011;
  for (const UnaryCase& c : kUnaryCases) {
    std::vector<float> x(n), y(n);
    std::uniform_real_distribution<float> uniform(static_cast<float>(c.low),
                                                  static_cast<float>(c.high));
    for (float& v : x) v = uniform(engine_);
    x[0] = static_cast<float>(c.low);
    x[1] = 0.5f;
    table().unary(c.op, x.data(), y.data(), n, 0.25f, 0.75f);
    for (int64_t i = 0; i < n; ++i) {
      const double exact = c.exact(x[i]);
      ASSERT_NEAR(y[i], exact, c.relative * std::abs(exact) + c.absolute)
          << "operator " << static_cast<int>(c.op) << " of " << x[i];
    }
  }
}

TEST_P(ElementwiseKernel, UnaryOperatorsTreatTailsAsFullVectors) {
  for (const UnaryCase& c : kUnaryCases) {
    const auto x = random(67, 2.0f);
    std::vector<float> whole(67), tails(67);
    table().unary(c.op, x.data(), whole.data(), 67, 0.25f, 0.75f);
    for (int64_t i = 0; i < 67;) {
      const int64_t n = std::min<int64_t>(67 - i, 1 + i % 5);
      table().unary(c.op, x.data() + i, tails.data() + i, n, 0.25f, 0.75f);
      i += n;
    }
    for (int i = 0; i < 67; ++i) {
      if (std::isnan(whole[i]) && std::isnan(tails[i])) continue;
      ASSERT_EQ(bits(whole[i]), bits(tails[i])) << static_cast<int>(c.op) << " of " << x[i];
    }
  }
}

TEST_P(ElementwiseKernel, ExpAndLogHoldAtTheirLimits) {
  const float inf = std::numeric_limits<float>::infinity();
  const std::vector<float> x = {-inf, -200.0f, -100.0f, -87.5f, 0.0f, 88.7f, 89.0f, inf, kPoison};
  std::vector<float> y(x.size());
  table().unary(Unary::kExp, x.data(), y.data(), x.size(), 0, 0);
  EXPECT_EQ(y[0], 0.0f);
  EXPECT_EQ(y[1], 0.0f);
  EXPECT_NEAR(y[2], std::exp(-100.0), 2e-45);
  EXPECT_NEAR(y[3], std::exp(-87.5), 1e-44);
  EXPECT_EQ(y[4], 1.0f);
  EXPECT_NEAR(y[5] / std::exp(static_cast<double>(88.7f)), 1.0, 3e-7);
  EXPECT_EQ(y[6], inf);
  EXPECT_EQ(y[7], inf);
  EXPECT_TRUE(std::isnan(y[8]));
  const std::vector<float> z = {0.0f, -1.0f, inf, 1.0f, 1e-42f, kPoison};
  table().unary(Unary::kLog, z.data(), y.data(), z.size(), 0, 0);
  EXPECT_EQ(y[0], -inf);
  EXPECT_TRUE(std::isnan(y[1]));
  EXPECT_EQ(y[2], inf);
  EXPECT_EQ(y[3], 0.0f);
  EXPECT_NEAR(y[4], std::log(static_cast<double>(1e-42f)), 2e-5);
  EXPECT_TRUE(std::isnan(y[5]));
}

TEST_P(ElementwiseKernel, BinaryOperatorsAndSpreads) {
  const std::pair<Binary, float (*)(float, float)> cases[] = {
      {Binary::kAdd, [](float a, float b) { return a + b; }},
      {Binary::kSub, [](float a, float b) { return a - b; }},
      {Binary::kMul, [](float a, float b) { return a * b; }},
      {Binary::kDiv, [](float a, float b) { return a / b; }},
      {Binary::kPow, [](float a, float b) { return std::pow(a, b); }},
      {Binary::kMin, [](float a, float b) { return std::min(a, b); }},
      {Binary::kMax, [](float a, float b) { return std::max(a, b); }},
      {Binary::kMod, [](float a, float b) { return std::fmod(a, b); }},
  };
  for (const auto& [op, exact] : cases) {
    for (const int64_t n : {1, 3, 16, 37}) {
      for (const Spread spread : {Spread::kNone, Spread::kA, Spread::kB}) {
        auto a = random(n), b = random(n);
        if (op == Binary::kPow) {
          for (float& v : a) v = std::abs(v);
          if (n == 3) b[0] = 2.0f;
        }
        std::vector<float> y(n + 1, 77.0f);
        table().binary(op, a.data(), b.data(), y.data(), n, spread);
        for (int64_t i = 0; i < n; ++i) {
          const float left = a[spread == Spread::kA ? 0 : i];
          const float right = b[spread == Spread::kB ? 0 : i];
          ASSERT_EQ(y[i], exact(left, right)) << static_cast<int>(op);
        }
        ASSERT_EQ(y[n], 77.0f);
        // In place over a spread operand: its value is read once, before anything is written.
        if (spread == Spread::kB && op == Binary::kSub) {
          auto copy = b;
          table().binary(op, a.data(), copy.data(), copy.data(), n, spread);
          y.pop_back();
          expect_same_bits(copy, y);
        }
      }
    }
  }
}

TEST_P(ElementwiseKernel, MinAndMaxKeepNaN) {
  const std::vector<float> a = {kPoison, 1.0f}, b = {1.0f, kPoison};
  std::vector<float> y(2);
  for (const Binary op : {Binary::kMin, Binary::kMax}) {
    table().binary(op, a.data(), b.data(), y.data(), 2, Spread::kNone);
    EXPECT_TRUE(std::isnan(y[0]) && std::isnan(y[1]));
  }
}

TEST_P(ElementwiseKernel, CompareAndSelect) {
  const std::vector<float> a = {1, 2, 3, 4, 5}, b = {2, 2, 2, 2, 2};
  std::vector<uint8_t> y(5);
  table().compare(Compare::kLess, a.data(), b.data(), y.data(), 5, Spread::kNone);
  EXPECT_EQ(y, (std::vector<uint8_t>{1, 0, 0, 0, 0}));
  table().compare(Compare::kGreaterOrEqual, a.data(), b.data(), y.data(), 5, Spread::kB);
  EXPECT_EQ(y, (std::vector<uint8_t>{0, 1, 1, 1, 1}));
  table().compare(Compare::kEqual, a.data(), b.data(), y.data(), 5, Spread::kNone);
  EXPECT_EQ(y, (std::vector<uint8_t>{0, 1, 0, 0, 0}));
  std::vector<float> chosen(5);
  table().select(y.data(), a.data(), b.data() + 1, chosen.data(), 5, Spread::kB);
  EXPECT_EQ(chosen, (std::vector<float>{2, 2, 2, 2, 2}));
}

TEST_P(ElementwiseKernel, GatedEqualsActivationTimesValue) {
  const int64_t n = 133;
  const auto a = random(n, 3.0f), b = random(n);
  std::vector<float> y(n);
  table().gated(Gate::kSilu, a.data(), b.data(), y.data(), n);
  for (int64_t i = 0; i < n; ++i) {
    const double exact = a[i] / (1 + std::exp(-static_cast<double>(a[i]))) * b[i];
    ASSERT_NEAR(y[i], exact, 1e-6 * std::abs(exact));
  }
  table().gated(Gate::kGeluTanh, a.data(), b.data(), y.data(), n);
  for (int64_t i = 0; i < n; ++i) {
    const double exact = gelu_tanh_exact(a[i]) * b[i];
    ASSERT_NEAR(y[i], exact, 1e-6 * std::abs(exact) + 1e-6 * std::abs(b[i]));
  }
}

TEST_P(ElementwiseKernel, HalfFloatsRoundAsTheReference) {
  std::vector<float> x;
  for (uint32_t b = 0; b < 0xffffffffu - 0x10001u; b += 0x10001) {
    x.push_back(std::bit_cast<float>(b));
  }
  std::vector<uint16_t> half(x.size()), brain(x.size());
  table().to_f16(x.data(), half.data(), x.size());
  table().to_bf16(x.data(), brain.data(), x.size());
  for (size_t i = 0; i < x.size(); ++i) {
    if (std::isnan(x[i])) {
      ASSERT_TRUE(std::isnan(f16_to_f32(half[i])) && std::isnan(bf16_to_f32(brain[i])));
      continue;
    }
    ASSERT_EQ(half[i], f32_to_f16(x[i])) << x[i];
    ASSERT_EQ(brain[i], f32_to_bf16(x[i])) << x[i];
  }
  std::vector<uint16_t> all(65536);
  for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<uint16_t>(i);
  std::vector<float> from_half(65536), from_brain(65536);
  table().from_f16(all.data(), from_half.data(), 65535);
  table().from_bf16(all.data(), from_brain.data(), 65535);
  for (uint16_t i = 0; i < 65535; ++i) {
    const float half_value = f16_to_f32(i), brain_value = bf16_to_f32(i);
    ASSERT_TRUE(std::isnan(half_value) || bits(from_half[i]) == bits(half_value)) << i;
    ASSERT_TRUE(std::isnan(brain_value) || bits(from_brain[i]) == bits(brain_value)) << i;
  }
}

TEST_P(ElementwiseKernel, LstmCellEqualsItsEquations) {
  const int64_t n = 37;
  const auto gates = random(4 * n, 2.0f), c = random(n);
  std::vector<float> c_out(n), h(n);
  table().lstm_cell({gates.data(), c.data(), c_out.data(), h.data(), n});
  const auto logistic = [](double x) { return 1 / (1 + std::exp(-x)); };
  for (int64_t i = 0; i < n; ++i) {
    const double cell = logistic(gates[2 * n + i]) * c[i] +
                        logistic(gates[i]) * std::tanh(static_cast<double>(gates[3 * n + i]));
    EXPECT_NEAR(c_out[i], cell, 1e-6);
    EXPECT_NEAR(h[i], logistic(gates[n + i]) * std::tanh(cell), 1e-6);
  }
}

}  // namespace
}  // namespace tenwatt::cpu
