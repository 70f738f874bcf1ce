// Integer products and the ways between integers and floats, at every level: sums exact with the
// extremes of 8 bits, rounding and saturation as QuantizeLinear defines them.
#include <algorithm>

#include "devices/cpu/kernels/integer_panels.h"
#include "kernels_support.h"

namespace tenwatt::cpu {
namespace {

TENWATT_EVERY_LEVEL(IntegerKernels);

struct Problem {
  int64_t rows;
  int64_t k;
  int64_t outputs;
  bool a_unsigned;
  bool w_unsigned;
};

int32_t number(uint8_t byte, bool is_unsigned) {
  return is_unsigned ? byte : static_cast<int8_t>(byte);
}

TEST_P(IntegerKernels, SumsAreExact) {
  const Problem kProblems[] = {{1, 1, 1, true, false},
                               {3, 5, 17, false, false},
                               {8, 64, 16, true, true},
                               {11, 130, 40, true, false},
                               {20, 1536, 33, false, true}};
  for (const Problem& p : kProblems) {
    std::vector<uint8_t> a(static_cast<size_t>(p.rows * p.k));
    std::vector<uint8_t> w(static_cast<size_t>(p.outputs * p.k));
    // Half of the bytes are extremes: 255 * 127 twice is more than 16 bits hold.
    const uint8_t kExtremes[] = {0x00, 0x7f, 0x80, 0xff};
    for (auto* bytes : {&a, &w})
      for (uint8_t& byte : *bytes)
        byte = number(0, 1) ? kExtremes[number(0, 3)] : static_cast<uint8_t>(number(0, 255));
    const int32_t a_zero = p.a_unsigned ? 131 : -3;
    const int64_t panels = panels_of(p.outputs);
    std::vector<int32_t> zeros(static_cast<size_t>(panels * kPanelRows), 0);
    for (int64_t n = 0; n < p.outputs; ++n)
      zeros[static_cast<size_t>(n)] = static_cast<int32_t>(number(-128, 127));

    const ByteMatrix matrix{w.data(), p.outputs, p.k,
                            p.k,      1,         static_cast<uint8_t>(p.w_unsigned ? 0x80 : 0)};
    Aligned packed(static_cast<size_t>(panels) * integer_panel_bytes(p.k));
    for (int64_t panel = 0; panel < panels; ++panel)
      pack_integer_panel(matrix, panel,
                         packed.data() + static_cast<size_t>(panel) * integer_panel_bytes(p.k));
    Aligned scratch(integer_scratch_bytes(p.k));
    std::vector<int32_t> sums(static_cast<size_t>(p.rows * panels * kPanelRows));
    const int64_t stride = panels * kPanelRows;
    // Two calls over ranges of panels: where a call starts must not matter.
    const int64_t middle = panels / 2;
    for (const auto& [begin, end] : {std::pair{int64_t{0}, middle}, std::pair{middle, panels}}) {
      table().integer_product({a.data(), p.k, static_cast<uint8_t>(p.a_unsigned ? 0x80 : 0),
                               a_zero - (p.a_unsigned ? 128 : 0), p.rows, p.k, packed.data(),
                               zeros.data(), sums.data() + begin * kPanelRows, stride, begin, end,
                               scratch.data()});
    }
    for (int64_t r = 0; r < p.rows; ++r) {
      for (int64_t n = 0; n < p.outputs; ++n) {
        int64_t expected = 0;
        const int32_t zero = zeros[static_cast<size_t>(n)] + (p.w_unsigned ? 128 : 0);
        for (int64_t i = 0; i < p.k; ++i) {
          expected +=
              (tenwatt::cpu::number(a[static_cast<size_t>(r * p.k + i)], p.a_unsigned) - a_zero) *
              (tenwatt::cpu::number(w[static_cast<size_t>(n * p.k + i)], p.w_unsigned) - zero);
        }
        ASSERT_EQ(sums[static_cast<size_t>(r * stride + n)], expected)
            << p.rows << "x" << p.k << "x" << p.outputs << " at " << r << ", " << n;
      }
    }
  }
}

TEST_P(IntegerKernels, RoundsToEvenAndSaturates) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  const std::vector<float> x = {0,   0.25f, 0.75f,    -0.25f,    -0.75f, 1.25f, 63,    64,   -64,
                                -65, 1e30f, infinity, -infinity, nan,    3.1f,  100.f, -3.9f};
  const float scale = 0.5f;
  const float zero = 3;
  std::vector<int8_t> bytes(x.size());
  table().quantise(x.data(), static_cast<int64_t>(x.size()), &scale, &zero, Grain::kSpan,
                   Stored::kI8, bytes.data());
  const std::vector<int8_t> expected = {3,    3,   5,   3,    1, 5, 127, 127, -125,
                                        -127, 127, 127, -128, 0, 9, 127, -5};
  EXPECT_EQ(bytes, expected);
  std::vector<uint16_t> words(x.size());
  table().quantise(x.data(), static_cast<int64_t>(x.size()), &scale, &zero, Grain::kSpan,
                   Stored::kU16, words.data());
  EXPECT_EQ(words[7], 131);
  EXPECT_EQ(words[8], 0);
  EXPECT_EQ(words[10], 65535);
}

TEST_P(IntegerKernels, AScaleForEachElement) {
  for (const int64_t n : {1, 7, 16, 33}) {
    std::vector<float> x = random(static_cast<size_t>(n), 20);
    std::vector<float> scale(x.size());
    std::vector<float> zero(x.size());
    std::vector<int32_t> whole(x.size());
    for (size_t i = 0; i < x.size(); ++i) {
      scale[i] = 0.1f * static_cast<float>(number(1, 9));
      whole[i] = static_cast<int32_t>(number(0, 255));
      zero[i] = static_cast<float>(whole[i]);
    }
    std::vector<uint8_t> codes(x.size());
    std::vector<float> back(x.size());
    table().quantise(x.data(), n, scale.data(), zero.data(), Grain::kElement, Stored::kU8,
                     codes.data());
    table().dequantise(Stored::kU8, codes.data(), n, scale.data(), whole.data(), Grain::kElement,
                       back.data());
    for (size_t i = 0; i < x.size(); ++i) {
      const float code = std::nearbyint(x[i] / scale[i]) + zero[i];
      ASSERT_EQ(codes[i], static_cast<uint8_t>(std::clamp(code, 0.0f, 255.0f)));
      ASSERT_EQ(back[i], static_cast<float>(codes[i] - whole[i]) * scale[i]);
    }
  }
}

TEST(IntegerPanels, HoldTheSumsOfTheirRows) {
  const uint8_t bytes[] = {1, 2, 3, 0xff, 0x80, 5};  // two rows of three i8
  Aligned panel(integer_panel_bytes(3));
  pack_integer_panel({bytes, 2, 3, 3, 1, 0}, 0, panel.data());
  int32_t sums[kPanelRows];
  std::memcpy(sums, panel.data() + 64, sizeof sums);
  EXPECT_EQ(sums[0], 6);
  EXPECT_EQ(sums[1], -1 - 128 + 5);
  EXPECT_EQ(sums[2], 0);
}

}  // namespace
}  // namespace tenwatt::cpu
