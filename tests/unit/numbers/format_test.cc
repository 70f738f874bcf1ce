// Number formats against gguf-py's results (tests/reference/record_number_formats.py) and against
// the rules of IEEE 754.
#include "numbers/format.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <fstream>
#include <iterator>
#include <limits>
#include <random>
#include <vector>

#include "numbers/blocks.h"

namespace tenwatt {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

std::vector<std::byte> recorded_bytes(const std::string& file) {
  const std::string path =
      std::string(TENWATT_SOURCE_DIR) + "/tests/reference/data/number_formats/" + file;
  std::ifstream in(path, std::ios::binary);
  const std::vector<char> text{std::istreambuf_iterator<char>(in), {}};
  EXPECT_FALSE(text.empty()) << path;
  const auto* bytes = reinterpret_cast<const std::byte*>(text.data());
  return {bytes, bytes + text.size()};
}

std::vector<float> recorded_floats(const std::string& file) {
  const std::vector<std::byte> bytes = recorded_bytes(file);
  std::vector<float> values(bytes.size() / sizeof(float));
  info(Format::kF32).decode(bytes, values);
  return values;
}

size_t bytes_of(Format format, size_t elements) {
  return storage_bytes(format, static_cast<int64_t>(elements)).value();
}

std::vector<float> round_trip(Format format, const std::vector<float>& values) {
  std::vector<std::byte> bytes(bytes_of(format, values.size()));
  std::vector<float> back(values.size());
  info(format).encode(values, bytes);
  info(format).decode(bytes, back);
  return back;
}

float once(Format format, float value) { return round_trip(format, {value}).front(); }

class RecordedFormat : public testing::TestWithParam<Format> {
 protected:
  std::string name() const { return std::string(info(GetParam()).name); }
};

class RecordedQuantiser : public RecordedFormat {};

TEST_P(RecordedFormat, DecodesEveryRandomBlockLikeTheReference) {
  const std::vector<std::byte> blocks = recorded_bytes(name() + ".random");
  const std::vector<float> expected = recorded_floats(name() + ".decoded");
  ASSERT_EQ(bytes_of(GetParam(), expected.size()), blocks.size());
  std::vector<float> decoded(expected.size());
  info(GetParam()).decode(blocks, decoded);
  EXPECT_EQ(decoded, expected);
}

TEST_P(RecordedQuantiser, GivesTheBlocksOfTheReferenceToTheBit) {
  const std::vector<float> values = recorded_floats(name() + ".values");
  const std::vector<std::byte> expected = recorded_bytes(name() + ".blocks");
  std::vector<std::byte> blocks(bytes_of(GetParam(), values.size()));
  info(GetParam()).encode(values, blocks);
  EXPECT_EQ(blocks, expected);
}

TEST_P(RecordedFormat, DecodesFromAnyAddress) {
  std::vector<std::byte> blocks = recorded_bytes(name() + ".random");
  const std::vector<float> expected = recorded_floats(name() + ".decoded");
  blocks.insert(blocks.begin(), std::byte{0});
  std::vector<float> decoded(expected.size());
  info(GetParam()).decode(std::span<const std::byte>(blocks).subspan(1), decoded);
  EXPECT_EQ(decoded, expected);
}

std::vector<Format> block_formats() {
  std::vector<Format> formats;
  for (const FormatInfo& row : all_formats()) {
    if (row.kind == FormatKind::kBlock) formats.push_back(row.format);
  }
  return formats;
}

std::string format_name(const testing::TestParamInfo<Format>& test) {
  return std::string(tenwatt::info(test.param).name);
}

INSTANTIATE_TEST_SUITE_P(Floats, RecordedFormat, testing::Values(Format::kF16, Format::kBF16),
                         format_name);
INSTANTIATE_TEST_SUITE_P(Blocks, RecordedFormat, testing::ValuesIn(block_formats()), format_name);
INSTANTIATE_TEST_SUITE_P(Formats, RecordedQuantiser,
                         testing::Values(Format::kF16, Format::kBF16, Format::kQ4_0, Format::kQ4_1,
                                         Format::kQ5_0, Format::kQ5_1, Format::kQ8_0,
                                         Format::kMXFP4),
                         format_name);

class BlockFormat : public RecordedFormat {};
INSTANTIATE_TEST_SUITE_P(Blocks, BlockFormat, testing::ValuesIn(block_formats()), format_name);

TEST_P(BlockFormat, DecodesSubnormalInfiniteAndNanScalesLikeTheReference) {
  const std::vector<std::byte> blocks = recorded_bytes(name() + ".extremes");
  const std::vector<float> expected = recorded_floats(name() + ".extremes.decoded");
  std::vector<float> decoded(expected.size());
  info(GetParam()).decode(blocks, decoded);
  for (size_t i = 0; i < expected.size(); ++i) {
    ASSERT_EQ(std::isnan(decoded[i]), std::isnan(expected[i])) << "element " << i;
    if (std::isnan(expected[i])) continue;
    ASSERT_EQ(decoded[i], expected[i]) << "element " << i;
  }
}

TEST_P(BlockFormat, IsTheSumOfItsParts) {
  const BlockLayout& layout = *info(GetParam()).layout;
  const std::vector<std::byte> blocks = recorded_bytes(name() + ".random");
  const std::vector<float> expected = recorded_floats(name() + ".decoded");
  const size_t block = info(GetParam()).block;
  std::vector<BlockPart> parts(block / kPartElements);
  layout.take_apart(blocks.data(), parts);
  for (size_t i = 0; i < block; ++i) {
    const BlockPart& part = parts[i / kPartElements];
    EXPECT_EQ(value_of(layout, part, i % kPartElements), expected[i]);
    EXPECT_EQ(part.scale * part.step[0],
              static_cast<float>(static_cast<double>(part.scale) * part.step[0]));
  }
}

TEST(FormatTable, RowsStandInTheOrderOfTheEnum) {
  size_t index = 0;
  for (const FormatInfo& row : all_formats()) {
    EXPECT_EQ(static_cast<size_t>(row.format), index++) << row.name;
    EXPECT_EQ(format_by_name(row.name), row.format);
    EXPECT_NE(row.decode, nullptr);
    EXPECT_EQ(row.layout != nullptr, row.kind == FormatKind::kBlock) << row.name;
    EXPECT_TRUE(row.encode != nullptr || row.kind == FormatKind::kBlock) << row.name;
  }
  EXPECT_EQ(format_by_name("q9_9"), std::nullopt);
}

TEST(StorageBytes, CountsWholeBlocksAndRefusesTheRest) {
  EXPECT_EQ(storage_bytes(Format::kQ4_1, 64), 40u);
  EXPECT_EQ(storage_bytes(Format::kF64, 3), 24u);
  EXPECT_EQ(storage_bytes(Format::kQ8_0, 0), 0u);
  EXPECT_FALSE(storage_bytes(Format::kQ8_0, 33));
  EXPECT_FALSE(storage_bytes(Format::kF32, -1));
  EXPECT_FALSE(storage_bytes(Format::kF64, std::numeric_limits<int64_t>::max()));
}

TEST(F16, EveryPatternSurvivesTheWayThroughF32) {
  for (uint32_t bits = 0; bits <= 0xffff; ++bits) {
    const auto half = static_cast<uint16_t>(bits);
    const float value = f16_to_f32(half);
    const bool is_nan = (bits & 0x7fff) > 0x7c00;
    ASSERT_EQ(std::isnan(value), is_nan) << bits;
    ASSERT_EQ(f32_to_f16(value), is_nan ? half | 0x200 : half) << bits;
  }
}

// The value of a finite pattern by the definition of the format.
double by_definition(uint16_t bits) {
  const int exponent = (bits >> 10) & 31;
  const int fraction = bits & 0x3ff;
  const double magnitude =
      exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
  return (bits & 0x8000) != 0 ? -magnitude : magnitude;
}

TEST(F16, EveryFinitePatternHasTheValueOfTheDefinition) {
  for (uint32_t bits = 0; bits <= 0xffff; ++bits) {
    if ((bits & 0x7c00) == 0x7c00) continue;
    const auto half = static_cast<uint16_t>(bits);
    ASSERT_EQ(static_cast<double>(f16_to_f32(half)), by_definition(half)) << bits;
  }
}

TEST(F16, HalfwayValuesGoToTheEvenNeighbourAndTheRestToTheNearer) {
  for (uint32_t bits = 0; bits < 0x7bff; ++bits) {
    const auto low = static_cast<uint16_t>(bits);
    const auto high = static_cast<uint16_t>(bits + 1);
    const auto middle = static_cast<float>((by_definition(low) + by_definition(high)) / 2);
    ASSERT_EQ(f32_to_f16(middle), bits % 2 == 0 ? low : high) << bits;
    ASSERT_EQ(f32_to_f16(std::nextafter(middle, 0.0f)), low) << bits;
    ASSERT_EQ(f32_to_f16(std::nextafter(middle, kInfinity)), high) << bits;
    ASSERT_EQ(f32_to_f16(-middle), 0x8000 | f32_to_f16(middle)) << bits;
  }
}

TEST(F16, LargeValuesOverflowToInfinityFromHalfwayPastTheLargest) {
  EXPECT_EQ(f32_to_f16(65504), 0x7bff);
  EXPECT_EQ(f32_to_f16(std::nextafter(65520.0f, 0.0f)), 0x7bff);
  EXPECT_EQ(f32_to_f16(65520), 0x7c00);
  EXPECT_EQ(f32_to_f16(-1e30f), 0xfc00);
  EXPECT_EQ(f32_to_f16(kInfinity), 0x7c00);
  EXPECT_EQ(f32_to_f16(1e-30f), 0);
  EXPECT_EQ(f32_to_f16(std::numeric_limits<float>::denorm_min()), 0);
  EXPECT_EQ(f32_to_f16(-0.0f), 0x8000);
}

TEST(Bf16, EveryPatternSurvivesTheWayThroughF32) {
  for (uint32_t bits = 0; bits <= 0xffff; ++bits) {
    const bool is_nan = (bits & 0x7fff) > 0x7f80;
    const uint16_t back = f32_to_bf16(bf16_to_f32(static_cast<uint16_t>(bits)));
    ASSERT_EQ(back, is_nan ? bits | 0x40 : bits) << bits;
  }
}

TEST(Bf16, HalfwayValuesGoToTheEvenNeighbour) {
  EXPECT_EQ(f32_to_bf16(std::bit_cast<float>(0x3f808000u)), 0x3f80);
  EXPECT_EQ(f32_to_bf16(std::bit_cast<float>(0x3f808001u)), 0x3f81);
  EXPECT_EQ(f32_to_bf16(std::bit_cast<float>(0x3f818000u)), 0x3f82);
  EXPECT_EQ(f32_to_bf16(std::bit_cast<float>(0x7f7fffffu)), 0x7f80) << "rounds up to infinity";
  EXPECT_EQ(f32_to_bf16(std::bit_cast<float>(0x7f800001u)), 0x7fc0) << "a NaN stays one";
  EXPECT_EQ(f32_to_bf16(std::bit_cast<float>(0x00008001u)), 0x0001) << "subnormals too";
}

TEST(Integers, RoundToNearestEvenAndSaturate) {
  EXPECT_EQ(once(Format::kI8, 2.5f), 2);
  EXPECT_EQ(once(Format::kI8, 3.5f), 4);
  EXPECT_EQ(once(Format::kI8, -300), -128);
  EXPECT_EQ(once(Format::kU8, 300), 255);
  EXPECT_EQ(once(Format::kU8, -1), 0);
  EXPECT_EQ(once(Format::kI16, 40000), 32767);
  EXPECT_EQ(once(Format::kU16, 70000), 65535);
  EXPECT_EQ(once(Format::kI32, 1e20f), 0x1p31f);
  EXPECT_EQ(once(Format::kU32, kInfinity), 0x1p32f);
  EXPECT_EQ(once(Format::kI64, -kInfinity), -0x1p63f);
  EXPECT_EQ(once(Format::kU64, 1e30f), 0x1p64f);
  EXPECT_EQ(once(Format::kI32, kNan), 0);
}

TEST(Bool, IsZeroOrOne) {
  EXPECT_EQ(once(Format::kBool, 0.25f), 1);
  EXPECT_EQ(once(Format::kBool, -0.0f), 0);
}

TEST(F64, KeepsEveryF32) {
  for (const float value : {0.1f, -kInfinity, 1e-45f, 3e38f}) {
    EXPECT_EQ(once(Format::kF64, value), value);
  }
}

TEST(BlockFormats, ErrorStaysBelowTheirStep) {
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  std::vector<float> values(32 * 64);
  for (float& value : values) value = normal(random);
  const std::pair<Format, float> steps[] = {
      {Format::kQ4_0, 1.0f / 8},  {Format::kQ4_1, 2.0f / 15 / 2}, {Format::kQ5_0, 1.0f / 16},
      {Format::kQ5_1, 1.0f / 31}, {Format::kQ8_0, 0.5f / 127},    {Format::kMXFP4, 1.0f / 4}};
  for (const auto& [format, step] : steps) {
    const std::vector<float> back = round_trip(format, values);
    for (size_t block = 0; block < values.size(); block += 32) {
      float largest = 0;
      for (size_t i = block; i < block + 32; ++i) largest = std::max(largest, std::fabs(values[i]));
      for (size_t i = block; i < block + 32; ++i) {
        ASSERT_LE(std::fabs(back[i] - values[i]), largest * step * 1.02f + largest / 1024)
            << info(format).name << " element " << i;
      }
    }
  }
}

TEST(BlockFormats, NonFiniteValuesNeverLeaveTheCodes) {
  for (const FormatInfo& row : all_formats()) {
    if (row.kind != FormatKind::kBlock || row.encode == nullptr) continue;
    std::vector<float> values(32, 1.0f);
    values[3] = kNan;
    values[4] = kInfinity;
    values[5] = -kInfinity;
    round_trip(row.format, values);  // the sanitizer build watches the casts
  }
}

}  // namespace
}  // namespace tenwatt
