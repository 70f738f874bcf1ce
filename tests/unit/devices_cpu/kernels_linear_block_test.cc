// Block-quantised products: packing keeps every code, activations are quantised as documented,
// integer sums are the same at every level, and a row's bits don't depend on the batch.
#include "unit/devices_cpu/block_weights.h"

namespace tenwatt::cpu {
namespace {

TENWATT_EVERY_LEVEL(LinearBlockKernel);

/// A number of columns that both kinds of blocks fill, and some with an odd number of blocks.
int64_t columns(Format format, int64_t blocks) { return info(format).block * blocks; }

/// The sums of a block, by their definition.
void set_sums(QuantBlock& block) {
  block.sum = 0;
  for (int half = 0; half < 2; ++half) {
    int sums[2] = {};
    for (int i = 0; i < 16; ++i) sums[i % 4 / 2] += block.code[16 * half + i];
    block.half_offset[half] = -8 * (sums[0] + sums[1]);
    block.pair_offset[half][0] = static_cast<int16_t>(-8 * sums[0]);
    block.pair_offset[half][1] = static_cast<int16_t>(-8 * sums[1]);
    block.sum += sums[0] + sums[1];
  }
  block.offset = -8 * block.sum;
  block.scaled_sum = block.scale * static_cast<float>(block.sum);
}

TEST_P(LinearBlockKernel, QuantisesByTheDocumentedFormula) {
  const int64_t rows = 7, k = 96;
  auto x = random(rows * k, 3.0f);
  for (int i = 0; i < 32; ++i) x[32 + i] = 0;                // an empty block
  for (int i = 0; i < 32; ++i) x[64 + i] = (i - 16) + 0.5f;  // ties when the peak is 127
  x[64] = 127.0f;
  for (int i = 0; i < 32; ++i) x[96 + i] = 5.0f;  // the largest sums
  std::vector<QuantBlock> blocks(rows * 3);
  table().quantise_rows(x.data(), k, rows, k, blocks.data(), 3);
  for (int64_t b = 0; b < rows * 3; ++b) {
    const float* from = x.data() + 32 * b;
    float peak = 0;
    for (int i = 0; i < 32; ++i) peak = std::max(peak, std::abs(from[i]));
    const float inverse = peak > 0 ? 127.0f / peak : 0;
    QuantBlock expected = {};
    expected.scale = peak * (1.0f / 127.0f);
    for (int i = 0; i < 32; ++i) {
      expected.code[i] = static_cast<int8_t>(std::nearbyintf(from[i] * inverse));
      ASSERT_EQ(blocks[b].code[i], expected.code[i]) << "block " << b << " element " << i;
    }
    set_sums(expected);
    EXPECT_EQ(std::memcmp(&blocks[b], &expected, sizeof expected), 0) << "block " << b;
  }
}

TEST_P(LinearBlockKernel, EqualsSumsInDoubleForAnySize) {
  for (const Format source : every_block_format()) {
    for (int trial = 0; trial < 15; ++trial) {
      const int64_t rows = number(1, 19), n = number(1, 50);
      const int64_t k = columns(source, number(1, info(source).block == 32 ? 9 : 3));
      BlockWeights w(source, n, k, random_blocks(source, n, k, engine_));
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
          ASSERT_ROUNDED(y[r * y_stride + o], exact) << info(source).name;
        }
        for (int64_t o = n; o < y_stride; ++o) ASSERT_EQ(y[r * y_stride + o], 77.0f);
      }
    }
  }
}

TEST_P(LinearBlockKernel, GivesARowTheSameBitsAloneAndInAnyBatch) {
  for (const Format source : every_block_format()) {
    const int64_t rows = 21, n = 35, k = columns(source, info(source).block == 32 ? 5 : 2);
    BlockWeights w(source, n, k, random_blocks(source, n, k, engine_));
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

/// The whole number that a 32-k part with scales and minima of one sums to with these activations.
int64_t integer_sum(const BlockLayout& layout, const BlockPart& part, const QuantBlock& x) {
  int64_t sum = 0;
  for (size_t i = 0; i < 32; ++i) {
    const int code = part.code[i];
    const int level = layout.codebook.empty() ? code - layout.zero : layout.codebook[code];
    sum += int64_t{part.step[i / 16]} * level * x.code[i];
    if (layout.minima == Minima::kYes) {
      sum += int64_t{part.rise[i / 16]} * static_cast<int64_t>(part.minimum) * x.code[i];
    }
  }
  return sum;
}

QuantBlock extreme_activations(int pattern, std::mt19937& random) {
  QuantBlock block = {};
  block.scale = 1.0f;
  for (int i = 0; i < 32; ++i) {
    const int8_t sign = pattern % 3 == 0 ? 1 : pattern % 3 == 1 ? -1 : (random() & 1 ? 1 : -1);
    block.code[i] = static_cast<int8_t>(127 * sign);
  }
  set_sums(block);
  return block;
}

// Scales of one make every output a whole number below 2^24, which f32 holds: what plain C++ sums
// in integers must come out to the bit at every level. One block at a time has activations, the
// others have none.
TEST_P(LinearBlockKernel, SumsEveryBlockExactlyAsPlainIntegersDo) {
  for (const Format source : every_block_format()) {
    const BlockLayout& layout = *info(source).layout;
    const int64_t n = 16, rows = 11, k = columns(source, info(source).block == 32 ? 3 : 1);
    std::vector<std::byte> file = random_blocks(source, n, k, engine_);
    const size_t bytes = info(source).bytes;
    constexpr int kFill[] = {0x00, 0xff, 0x80, 0x7f, 0x0f, 0xf0};
    for (size_t b = 0; b < file.size() / bytes; ++b) {
      if (b % 8 < 6) std::fill_n(&file[b * bytes], bytes, static_cast<std::byte>(kFill[b % 8]));
      set_scales(source, &file[b * bytes], 1.0f, 1.0f);
    }
    const BlockWeights w(source, n, k, file);
    std::vector<BlockPart> parts(info(source).block / 32);
    for (int64_t target = 0; target < k / 32; ++target) {
      std::vector<QuantBlock> x(rows * k / 32);
      for (int64_t r = 0; r < rows; ++r) {
        x[r * k / 32 + target] = extreme_activations(static_cast<int>(r), engine_);
      }
      std::vector<float> y(rows * n);
      auto& panels = const_cast<BlockWeights&>(w).panels;
      table().linear_block({x.data(), k / 32, rows, k, panels.data(), w.format, nullptr, nullptr, 0,
                            y.data(), n, n, 0, 1});
      for (int64_t o = 0; o < n; ++o) {
        const int64_t in_block = static_cast<int64_t>(parts.size());
        const int64_t block = (o * (k / 32) + target) / in_block;
        layout.take_apart(&file[block * bytes], parts);
        const BlockPart& part = parts[target % in_block];
        ASSERT_EQ(part.scale, 1.0f);
        for (int64_t r = 0; r < rows; ++r) {
          const int64_t sum = integer_sum(layout, part, x[r * k / 32 + target]);
          ASSERT_LT(std::abs(sum), 1 << 24);
          ASSERT_EQ(y[r * n + o], static_cast<float>(sum)) << info(source).name << " row " << r;
        }
      }
    }
  }
}

TEST(BlockPanels, GiveBackTheRowsOfTheFileToTheBit) {
  std::mt19937 random(5);
  for (const Format source : every_block_format()) {
    for (const int64_t blocks : {1, 2, 3, 18}) {
      const int64_t n = 21, k = columns(source, blocks);
      BlockWeights packed(source, n, k, random_blocks(source, n, k, random));
      std::vector<float> row(k);
      for (int64_t r = 0; r < n; ++r) {
        unpack_block_row(packed.format, packed.panels.data(), r, row);
        ASSERT_EQ(std::memcmp(row.data(), &packed.values[r * k], k * sizeof(float)), 0)
            << info(source).name;
      }
    }
  }
}

TEST(BlockPanels, AreAtMostASixteenthLargerThanTheFile) {
  for (const Format source : every_block_format()) {
    const size_t file = *storage_bytes(source, 16 * 2560);
    EXPECT_LE(block_panel_bytes(*block_format(source), 2560), file * 17 / 16) << info(source).name;
  }
}

}  // namespace
}  // namespace tenwatt::cpu
