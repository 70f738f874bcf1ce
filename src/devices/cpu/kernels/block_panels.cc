// The block-quantised half of panels.h: blocks come apart (numbers/blocks.h) into codes and scales,
// and are put together again in the order of kernels (block_formats.h, block_codes.h).
#include <algorithm>
#include <array>
#include <cstring>

#include "devices/cpu/kernels/block_codes.h"
#include "devices/cpu/kernels/panels.h"
#include "numbers/blocks.h"

namespace tenwatt::cpu {
namespace {

constexpr int64_t kPartsPerBlockMost = 8;

// Indexed by BlockFormat.
constexpr Format kSources[] = {
    Format::kQ4_0,   Format::kQ4_1,   Format::kQ8_0,  Format::kQ5_0, Format::kQ5_1,
    Format::kQ2_K,   Format::kQ3_K,   Format::kQ4_K,  Format::kQ5_K, Format::kQ6_K,
    Format::kIQ4_NL, Format::kIQ4_XS, Format::kMXFP4,
};
const FormatInfo& source_of(BlockFormat format) {
  return info(kSources[static_cast<size_t>(format)]);
}

void put_half(std::byte* to, float value) {
  const uint16_t bits = f32_to_f16(value);
  std::memcpy(to, &bits, sizeof bits);
}
float half_at(const std::byte* from) {
  uint16_t bits;
  std::memcpy(&bits, from, sizeof bits);
  return f16_to_f32(bits);
}
void put_brain(std::byte* to, float value) {
  const uint16_t bits = f32_to_bf16(value);
  std::memcpy(to, &bits, sizeof bits);
}
float brain_at(const std::byte* from) {
  uint16_t bits;
  std::memcpy(&bits, from, sizeof bits);
  return bf16_to_f32(bits);
}

/// Where a block of a panel keeps its codes and scales, and its group the shared head.
template <class Byte>
struct Place {
  Byte* codes;
  Byte* scales;
  Byte* head;
};
template <class Byte>
Place<Byte> place_of(const GroupShape& shape, Byte* panel, int64_t blocks, int64_t b) {
  const int64_t group = b / shape.blocks;
  const int64_t in_group = b % shape.blocks;
  const int64_t filled = std::min(shape.blocks, blocks - group * shape.blocks);
  Byte* start = panel + group * panel_bytes_of(shape, shape.blocks);
  Byte* codes = start + shape.head_bytes;
  Byte* scales = shape.head_bytes > 0
                     ? start + kLineBytes + in_group * shape.step_bytes
                     : codes + filled * shape.code_bytes + in_group * 2 * kPanelRows;
  return {codes + in_group * shape.code_bytes, scales, start};
}

template <Bits kBits>
void put_codes(const BlockPart& part, int64_t row, std::byte* codes) {
  uint32_t words[8];
  static_assert(sizeof words == sizeof part.code);
  std::memcpy(words, part.code.data(), sizeof words);
  pack_words<kBits>(words, [&](int line, uint32_t word) {
    std::memcpy(codes + kLineBytes * line + 4 * row, &word, sizeof word);
  });
}
template <Bits kBits>
void take_codes(const std::byte* codes, int64_t row, BlockPart& part) {
  const auto load = [&](int line) {
    uint32_t word;
    std::memcpy(&word, codes + kLineBytes * line + 4 * row, sizeof word);
    return word;
  };
  each_word<kBits>(load, [&](auto j, uint32_t word) {
    std::memcpy(part.code.data() + 4 * decltype(j)::value, &word, sizeof word);
  });
}

struct Codes {
  void (*put)(const BlockPart& part, int64_t row, std::byte* codes);
  void (*take)(const std::byte* codes, int64_t row, BlockPart& part);
};
// Indexed by Bits.
constexpr Codes kCodes[] = {
    {put_codes<Bits::kTwo>, take_codes<Bits::kTwo>},
    {put_codes<Bits::kThree>, take_codes<Bits::kThree>},
    {put_codes<Bits::kFour>, take_codes<Bits::kFour>},
    {put_codes<Bits::kFive>, take_codes<Bits::kFive>},
    {put_codes<Bits::kSix>, take_codes<Bits::kSix>},
    {put_codes<Bits::kEight>, take_codes<Bits::kEight>},
};

void put_scales(Scales scales, const BlockPart& part, int64_t row, const Place<std::byte>& at) {
  const auto step = [&](int64_t index, int value) {
    at.scales[index * kStepBytes + row] = static_cast<std::byte>(value);
  };
  switch (scales) {
    case Scales::kHalves:
      return put_half(at.scales + 2 * row, part.scale);
    case Scales::kBrains:
      return put_brain(at.scales + 2 * row, part.scale);
    case Scales::kHalvesMinima:
      put_half(at.scales + 2 * row, part.scale);
      return put_half(at.scales + 2 * (kPanelRows + row), part.minimum);
    case Scales::kSteps:
      step(0, part.step[0]);
      break;
    case Scales::kStepsRises:
      step(0, part.step[0]);
      step(1, part.rise[0]);
      break;
    case Scales::kPairSteps:
      step(0, part.step[0]);
      step(1, part.step[1]);
      break;
    case Scales::kPairStepsRises:
      step(0, part.step[0] | part.rise[0] << 4);
      step(1, part.step[1] | part.rise[1] << 4);
      break;
  }
  put_half(at.head + 2 * row, part.scale);
  put_half(at.head + 2 * (kPanelRows + row), part.minimum);
}

void take_scales(Scales scales, int64_t row, const Place<const std::byte>& at, BlockPart& part) {
  const auto step = [&](int64_t index) {
    return static_cast<int8_t>(at.scales[index * kStepBytes + row]);
  };
  switch (scales) {
    case Scales::kHalves:
      part.scale = half_at(at.scales + 2 * row);
      return;
    case Scales::kBrains:
      part.scale = brain_at(at.scales + 2 * row);
      return;
    case Scales::kHalvesMinima:
      part.scale = half_at(at.scales + 2 * row);
      part.minimum = half_at(at.scales + 2 * (kPanelRows + row));
      return;
    case Scales::kSteps:
      part.step.fill(step(0));
      break;
    case Scales::kStepsRises:
      part.step.fill(step(0));
      part.rise.fill(step(1));
      break;
    case Scales::kPairSteps:
      part.step = {step(0), step(1)};
      break;
    case Scales::kPairStepsRises:
      for (int64_t h : {0, 1}) {
        part.step[h] = static_cast<int16_t>(step(h) & 15);
        part.rise[h] = static_cast<int16_t>((step(h) >> 4) & 15);
      }
      break;
  }
  part.scale = half_at(at.head + 2 * row);
  part.minimum = half_at(at.head + 2 * (kPanelRows + row));
}

}  // namespace

std::optional<BlockFormat> block_format(Format format) {
  for (const BlockTraits& traits : kBlockTraits) {
    if (source_of(traits.format).format == format) return traits.format;
  }
  return std::nullopt;
}

size_t block_panel_bytes(BlockFormat format, int64_t k) {
  return static_cast<size_t>(panel_bytes_of(shape_of(traits_of(format)), k / 32));
}

void pack_block_panel(BlockFormat format, const std::byte* w, int64_t n, int64_t k, int64_t panel,
                      std::byte* out) {
  const BlockTraits& traits = traits_of(format);
  const GroupShape shape = shape_of(traits);
  const FormatInfo& source = source_of(format);
  const int64_t parts_per_block = source.block / 32;
  const int64_t blocks = k / 32;
  std::memset(out, 0, block_panel_bytes(format, k));
  const int64_t first = panel * kPanelRows;
  const int64_t valid = std::clamp<int64_t>(n - first, 0, kPanelRows);
  std::array<BlockPart, kPartsPerBlockMost> parts;
  for (int64_t b = 0; b < blocks; b += parts_per_block) {
    for (int64_t r = 0; r < valid; ++r) {
      const int64_t source_block = ((first + r) * blocks + b) / parts_per_block;
      source.layout->take_apart(w + source_block * source.bytes,
                                std::span(parts).first(parts_per_block));
      for (int64_t i = 0; i < parts_per_block; ++i) {
        const auto place = place_of(shape, out, blocks, b + i);
        kCodes[static_cast<size_t>(traits.bits)].put(parts[i], r, place.codes);
        put_scales(traits.scales, parts[i], r, place);
      }
    }
  }
}

void unpack_block_row(BlockFormat format, const std::byte* panels, int64_t row,
                      std::span<float> out) {
  const BlockTraits& traits = traits_of(format);
  const GroupShape shape = shape_of(traits);
  const BlockLayout& layout = *source_of(format).layout;
  const auto k = static_cast<int64_t>(out.size());
  const std::byte* panel = panels + (row / kPanelRows) * block_panel_bytes(format, k);
  const int64_t r = row % kPanelRows;
  BlockPart part;
  for (int64_t b = 0; b < k / 32; ++b) {
    const auto place = place_of(shape, panel, k / 32, b);
    kCodes[static_cast<size_t>(traits.bits)].take(place.codes, r, part);
    take_scales(traits.scales, r, place, part);
    for (int64_t i = 0; i < 32; ++i) out[32 * b + i] = value_of(layout, part, i);
  }
}

}  // namespace tenwatt::cpu
