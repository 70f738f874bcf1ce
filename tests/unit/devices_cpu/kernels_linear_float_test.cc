// Products with float weights: against sums in double, for every format, size and split.
#include "unit/devices_cpu/kernels_support.h"

namespace tenwatt::cpu {
namespace {

TENWATT_EVERY_LEVEL(LinearFloatKernel);

constexpr FloatFormat kFormats[] = {FloatFormat::kF32, FloatFormat::kF16, FloatFormat::kBF16};

// Weights as a file holds them, their values, and their panels.
struct Weights {
  Weights(FloatFormat form, int64_t n, int64_t k, std::vector<float> w)
      : format(form), values(std::move(w)), panels(panels_of(n) * float_panel_bytes(form, k)) {
    const size_t size = form == FloatFormat::kF32 ? 4 : 2;
    std::vector<std::byte> file(values.size() * size);
    for (size_t i = 0; i < values.size(); ++i) {
      const uint16_t half =
          form == FloatFormat::kF16 ? f32_to_f16(values[i]) : f32_to_bf16(values[i]);
      if (form == FloatFormat::kF16) values[i] = f16_to_f32(half);
      if (form == FloatFormat::kBF16) values[i] = bf16_to_f32(half);
      std::memcpy(file.data() + i * size, size == 4 ? static_cast<void*>(&values[i]) : (void*)&half,
                  size);
    }
    for (int64_t p = 0; p < panels_of(n); ++p) {
      pack_float_panel(form, file.data(), n, k, p, panels.data() + p * float_panel_bytes(form, k));
    }
  }
  FloatFormat format;
  std::vector<float> values;
  Aligned panels;
};

TEST_P(LinearFloatKernel, EqualsSumsInDoubleForAnySize) {
  for (int trial = 0; trial < 60; ++trial) {
    const FloatFormat format = kFormats[trial % 3];
    const int64_t rows = number(1, 21), n = number(1, 70), k = number(1, 130);
    const int64_t x_stride = k + number(0, 5), y_stride = n + number(1, 4);
    Weights w(format, n, k, random(n * k));
    const auto x = random(rows * x_stride);
    const auto bias = random(n);
    const auto residual = random(rows * n);
    std::vector<float> y(rows * y_stride, 77.0f);
    table().linear_float(
        {x.data(), x_stride, rows, k, w.panels.data(), format, trial % 2 ? bias.data() : nullptr,
         trial % 4 > 1 ? residual.data() : nullptr, n, y.data(), y_stride, n, 0, panels_of(n)});
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t o = 0; o < n; ++o) {
        Exact exact;
        for (int64_t i = 0; i < k; ++i) {
          exact.add(static_cast<double>(x[r * x_stride + i]) * w.values[o * k + i]);
        }
        if (trial % 2) exact.add(bias[o]);
        if (trial % 4 > 1) exact.add(residual[r * n + o]);
        ASSERT_ROUNDED(y[r * y_stride + o], exact);
      }
      for (int64_t o = n; o < y_stride; ++o) ASSERT_EQ(y[r * y_stride + o], 77.0f);
    }
  }
}

TEST_P(LinearFloatKernel, GivesARowTheSameBitsAloneAndInAnyBatchOrSplit) {
  for (const FloatFormat format : kFormats) {
    const int64_t rows = 23, n = 75, k = 97;
    Weights w(format, n, k, random(n * k));
    const auto x = random(rows * k);
    std::vector<float> whole(rows * n), pieces(rows * n);
    LinearFloat job = {x.data(),     k, rows, k, w.panels.data(), format, nullptr, nullptr, 0,
                       whole.data(), n, n,    0, panels_of(n)};
    table().linear_float(job);
    for (int64_t r = 0; r < rows;) {
      const int64_t count = std::min(rows - r, number(1, 6));
      for (int64_t p = 0; p < panels_of(n); ++p) {
        job.x = x.data() + r * k;
        job.y = pieces.data() + r * n;
        job.rows = count;
        job.panel_begin = p;
        job.panel_end = p + 1;
        table().linear_float(job);
      }
      r += count;
    }
    expect_same_bits(whole, pieces);
  }
}

TEST_P(LinearFloatKernel, MayAddToItsOwnOutput) {
  const int64_t rows = 5, n = 19, k = 33;
  Weights w(FloatFormat::kF32, n, k, random(n * k));
  const auto x = random(rows * k);
  std::vector<float> sum(rows * n), onto = random(rows * n);
  const auto before = onto;
  LinearFloat job = {
      x.data(),   k, rows, k, w.panels.data(), FloatFormat::kF32, nullptr, nullptr, 0,
      sum.data(), n, n,    0, panels_of(n)};
  table().linear_float(job);
  job.y = onto.data();
  job.residual = onto.data();
  job.residual_stride = n;
  table().linear_float(job);
  for (size_t i = 0; i < onto.size(); ++i) EXPECT_EQ(onto[i], sum[i] + before[i]);
}

TEST(FloatPanels, GiveRowsBackAndPackEitherOrientation) {
  std::mt19937 engine(3);
  std::uniform_real_distribution<float> uniform(-2, 2);
  const int64_t n = 37, k = 130;
  std::vector<float> w(n * k), turned(n * k);
  for (float& v : w) v = uniform(engine);
  for (int64_t r = 0; r < n; ++r) {
    for (int64_t i = 0; i < k; ++i) turned[i * n + r] = w[r * k + i];
  }
  const size_t bytes = float_panel_bytes(FloatFormat::kF32, k);
  Aligned a(panels_of(n) * bytes), b(panels_of(n) * bytes);
  for (int64_t p = 0; p < panels_of(n); ++p) {
    pack_float_panel(FloatFormat::kF32, reinterpret_cast<std::byte*>(w.data()), n, k, p,
                     a.data() + p * bytes);
    pack_float_panel_transposed(FloatFormat::kF32, reinterpret_cast<std::byte*>(turned.data()), n,
                                k, p, b.data() + p * bytes);
  }
  EXPECT_EQ(std::memcmp(a.data(), b.data(), panels_of(n) * bytes), 0);
  std::vector<float> row(k);
  for (int64_t r = 0; r < n; ++r) {
    unpack_float_row(FloatFormat::kF32, a.data(), r, row);
    EXPECT_EQ(std::memcmp(row.data(), w.data() + r * k, k * sizeof(float)), 0);
  }
}

}  // namespace
}  // namespace tenwatt::cpu
