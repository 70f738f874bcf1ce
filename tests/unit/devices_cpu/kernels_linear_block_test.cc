// Block-quantised products: packing keeps every code, activations are quantised as documented,
// integer sums are the same at every level, and a row's bits don't depend on the batch.
#include "unit/devices_cpu/kernels_support.h"

namespace tenwatt::cpu {
namespace {

TENWATT_EVERY_LEVEL(LinearBlockKernel);

constexpr Format kFormats[] = {Format::kQ4_0, Format::kQ4_1, Format::kQ8_0};

struct Weights {
  Weights(Format source, int64_t n, int64_t k, const std::vector<float>& w)
      : format(*block_format(source)),
        file(*storage_bytes(source, n * k)),
        values(n * k),
        panels(panels_of(n) * block_panel_bytes(format, k)) {
    info(source).encode(w, file);
    info(source).decode(file, values);
    for (int64_t p = 0; p < panels_of(n); ++p) {
      pack_block_panel(format, file.data(), n, k, p,
                       panels.data() + p * block_panel_bytes(format, k));
    }
  }
  BlockFormat format;
  std::vector<std::byte> file;
  std::vector<float> values;
  Aligned panels;
};

TEST_P(LinearBlockKernel, QuantisesByTheDocumentedFormula) {
  const int64_t rows = 7, k = 96;
  auto x = random(rows * k, 3.0f);
  for (int i = 0; i < 32; ++i) x[32 + i] = 0;                // an empty block
  for (int i = 0; i < 32; ++i) x[64 + i] = (i - 16) + 0.5f;  // ties when the peak is 127
  x[64] = 127.0f;
  std::vector<QuantBlock> blocks(rows * 3);
  table().quantise_rows(x.data(), k, rows, k, blocks.data(), 3);
  for (int64_t b = 0; b < rows * 3; ++b) {
    const float* from = x.data() + 32 * b;
    float peak = 0;
    for (int i = 0; i < 32; ++i) peak = std::max(peak, std::abs(from[i]));
    const float inverse = peak > 0 ? 127.0f / peak : 0;
    int sum = 0;
    for (int i = 0; i < 32; ++i) {
      const auto code = static_cast<int>(std::nearbyintf(from[i] * inverse));
      ASSERT_EQ(blocks[b].code[i], code) << "block " << b << " element " << i;
      sum += code;
    }
    EXPECT_EQ(blocks[b].scale, peak * (1.0f / 127.0f));
    EXPECT_EQ(blocks[b].sum, sum);
    EXPECT_EQ(blocks[b].scaled_sum, blocks[b].scale * static_cast<float>(sum));
    EXPECT_EQ(blocks[b].offset, -8 * sum);
  }
}

TEST_P(LinearBlockKernel, EqualsSumsInDoubleForAnySize) {
  for (int trial = 0; trial < 45; ++trial) {
    const Format source = kFormats[trial % 3];
    const int64_t rows = number(1, 19), n = number(1, 50), k = 32 * number(1, 9);
    Weights w(source, n, k, random(n * k));
    const auto x = random(rows * k);
    const auto bias = random(n);
    std::vector<QuantBlock> blocks(rows * k / 32);
    table().quantise_rows(x.data(), k, rows, k, blocks.data(), k / 32);
    const int64_t y_stride = n + 3;
    std::vector<float> y(rows * y_stride, 77.0f);
    table().linear_block({blocks.data(), k / 32, rows, k, w.panels.data(), w.format,
                          trial % 2 ? bias.data() : nullptr, nullptr, 0, y.data(), y_stride, n, 0,
                          panels_of(n)});
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t o = 0; o < n; ++o) {
        Exact exact;
        for (int64_t i = 0; i < k; ++i) {
          const QuantBlock& block = blocks[(r * k + i) / 32];
          exact.add(static_cast<double>(block.scale) * block.code[i % 32] * w.values[o * k + i]);
        }
        if (trial % 2) exact.add(bias[o]);
        ASSERT_ROUNDED(y[r * y_stride + o], exact);
      }
      for (int64_t o = n; o < y_stride; ++o) ASSERT_EQ(y[r * y_stride + o], 77.0f);
    }
  }
}

TEST_P(LinearBlockKernel, GivesARowTheSameBitsAloneAndInAnyBatch) {
  for (const Format source : kFormats) {
    const int64_t rows = 21, n = 35, k = 160;
    Weights w(source, n, k, random(n * k));
    const auto x = random(rows * k);
    std::vector<QuantBlock> blocks(rows * k / 32);
    table().quantise_rows(x.data(), k, rows, k, blocks.data(), k / 32);
    std::vector<float> whole(rows * n);
    LinearBlock job = {
        blocks.data(), k / 32, rows, k, w.panels.data(), w.format, nullptr, nullptr, 0,
        whole.data(),  n,      n,    0, panels_of(n)};
    table().linear_block(job);
    for (int64_t batch = 1; batch <= 8; ++batch) {
      std::vector<float> pieces(rows * n);
      for (int64_t r = 0; r < rows; r += batch) {
        job.x = blocks.data() + r * k / 32;
        job.rows = std::min(batch, rows - r);
        job.y = pieces.data() + r * n;
        table().linear_block(job);
      }
      expect_same_bits(whole, pieces);
    }
  }
}

TEST_P(LinearBlockKernel, SumsExtremeCodesExactly) {
  // Scales of one and whole numbers below 2^24: every level must give the exact integer.
  for (const Format source : kFormats) {
    const int64_t n = 16, k = 64, blocks_of_row = k / 32;
    std::vector<std::byte> file(*storage_bytes(source, n * k));
    const size_t block_bytes = info(source).bytes;
    const size_t header = source == Format::kQ4_1 ? 4 : 2;
    const uint16_t one = f32_to_f16(1.0f), three = f32_to_f16(3.0f);
    for (size_t b = 0; b < file.size() / block_bytes; ++b) {
      std::byte* block = file.data() + b * block_bytes;
      std::memcpy(block, &one, 2);
      if (header == 4) std::memcpy(block + 2, &three, 2);
      const std::byte extremes[] = {std::byte{0xff}, std::byte{0x80}, std::byte{0x7f},
                                    std::byte{0x00}};
      for (size_t i = header; i < block_bytes; ++i) {
        block[i] = b % 2 ? extremes[b / 2 % 4] : static_cast<std::byte>(number(0, 255));
      }
    }
    std::vector<float> values(n * k);
    info(source).decode(file, values);
    const BlockFormat format = *block_format(source);
    Aligned panel(block_panel_bytes(format, k));
    pack_block_panel(format, file.data(), n, k, 0, panel.data());
    std::vector<QuantBlock> x(blocks_of_row);
    for (QuantBlock& block : x) {
      block.scale = 1.0f;
      block.sum = 0;
      for (int8_t& code : block.code) {
        code = number(0, 1) ? 127 : -127;
        block.sum += code;
      }
      block.scaled_sum = static_cast<float>(block.sum);
      block.offset = -8 * block.sum;
    }
    std::vector<float> y(n);
    table().linear_block({x.data(), blocks_of_row, 1, k, panel.data(), format, nullptr, nullptr, 0,
                          y.data(), n, n, 0, 1});
    for (int64_t o = 0; o < n; ++o) {
      double exact = 0;
      for (int64_t i = 0; i < k; ++i) exact += values[o * k + i] * x[i / 32].code[i % 32];
      EXPECT_EQ(y[o], exact);
    }
  }
}

TEST(BlockPanels, GiveBackTheRowsOfTheFile) {
  std::mt19937 engine(5);
  std::normal_distribution<float> normal;
  for (const Format source : kFormats) {
    for (const int64_t k : {32, 64, 96, 576}) {
      const int64_t n = 21;
      std::vector<float> w(n * k);
      for (float& v : w) v = normal(engine);
      Weights packed(source, n, k, w);
      std::vector<float> row(k);
      for (int64_t r = 0; r < n; ++r) {
        unpack_block_row(packed.format, packed.panels.data(), r, row);
        for (int64_t i = 0; i < k; ++i) {
          ASSERT_NEAR(row[i], packed.values[r * k + i], 1e-6f * std::abs(row[i]) + 1e-7f);
        }
      }
    }
  }
}

}  // namespace
}  // namespace tenwatt::cpu
