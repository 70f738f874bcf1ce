// How each block format lies in a panel: one table for the code that packs and the kernels that
// read. Layouts are described at BlockFormat in table.h; this is their arithmetic. No std types:
// kernel files include it.
#pragma once

#include "devices/cpu/kernels/table.h"

namespace tenwatt::cpu {
namespace {

/// How many bits a code has, which decides how 32 k of 16 rows lie in lines (block_codes.h).
enum class Bits : uint8_t { kTwo, kThree, kFour, kFive, kSix, kEight };

/// What the bytes beside the codes hold, for 16 rows each.
enum class Scales : uint8_t {
  kHalves,          ///< an f16 scale per block; two blocks share a line after their codes
  kBrains,          ///< the same as bf16
  kHalvesMinima,    ///< an f16 scale and an f16 minimum per block, a line after its codes
  kSteps,           ///< super-blocks: a signed byte per block
  kStepsRises,      ///< super-blocks: a byte for the scale and one for the minimum per block
  kPairSteps,       ///< super-blocks: a signed byte for each 16 k
  kPairStepsRises,  ///< super-blocks: a byte for each 16 k, scale in the low half, minimum in the
                    ///< high
};

/// What a code stands for, besides itself minus `zero`.
enum class Codebook : uint8_t { kNone, kNonlinear, kFloat4 };

struct BlockTraits {
  BlockFormat format;
  Bits bits;
  int zero;  ///< of the unsigned bytes that are multiplied
  Scales scales;
  Codebook codebook;
};

constexpr BlockTraits kBlockTraits[] = {
    {BlockFormat::kQ4_0, Bits::kFour, 8, Scales::kHalves, Codebook::kNone},
    {BlockFormat::kQ4_1, Bits::kFour, 0, Scales::kHalvesMinima, Codebook::kNone},
    {BlockFormat::kQ8_0, Bits::kEight, 128, Scales::kHalves, Codebook::kNone},
    {BlockFormat::kQ5_0, Bits::kFive, 16, Scales::kHalves, Codebook::kNone},
    {BlockFormat::kQ5_1, Bits::kFive, 0, Scales::kHalvesMinima, Codebook::kNone},
    {BlockFormat::kQ2_K, Bits::kTwo, 0, Scales::kPairStepsRises, Codebook::kNone},
    {BlockFormat::kQ3_K, Bits::kThree, 4, Scales::kPairSteps, Codebook::kNone},
    {BlockFormat::kQ4_K, Bits::kFour, 0, Scales::kStepsRises, Codebook::kNone},
    {BlockFormat::kQ5_K, Bits::kFive, 0, Scales::kStepsRises, Codebook::kNone},
    {BlockFormat::kQ6_K, Bits::kSix, 32, Scales::kPairSteps, Codebook::kNone},
    {BlockFormat::kIQ4_NL, Bits::kFour, 128, Scales::kHalves, Codebook::kNonlinear},
    {BlockFormat::kIQ4_XS, Bits::kFour, 128, Scales::kSteps, Codebook::kNonlinear},
    {BlockFormat::kMXFP4, Bits::kFour, 16, Scales::kBrains, Codebook::kFloat4},
};

constexpr const BlockTraits& traits_of(BlockFormat format) {
  return kBlockTraits[static_cast<size_t>(format)];
}

constexpr int64_t kLineBytes = 64;
constexpr int64_t kStepBytes = kPanelRows;  ///< one byte for each row

/// Sizes of a group: the blocks that share scales, and the bytes before and after their codes.
struct GroupShape {
  int64_t blocks;
  int64_t code_bytes;  ///< of one block
  int64_t head_bytes;
  int64_t tail_bytes;
  int64_t step_bytes;  ///< of one block, in the head
};

constexpr int64_t code_bytes_of(Bits bits) {
  constexpr int64_t kLines[] = {2, 3, 4, 5, 6, 8};
  return kLines[static_cast<int>(bits)] * kLineBytes;
}

constexpr GroupShape shape_of(const BlockTraits& traits) {
  const int64_t codes = code_bytes_of(traits.bits);
  switch (traits.scales) {
    case Scales::kHalves:
    case Scales::kBrains:
      return {2, codes, 0, kLineBytes, 0};
    case Scales::kHalvesMinima:
      return {1, codes, 0, kLineBytes, 0};
    case Scales::kSteps:
      return {8, codes, kLineBytes + 8 * kStepBytes, 0, kStepBytes};
    case Scales::kStepsRises:
    case Scales::kPairSteps:
    case Scales::kPairStepsRises:
      break;
  }
  return {8, codes, kLineBytes + 16 * kStepBytes, 0, 2 * kStepBytes};
}

/// Bytes of one panel over `blocks` 32-k blocks.
constexpr int64_t panel_bytes_of(const GroupShape& shape, int64_t blocks) {
  const int64_t groups = (blocks + shape.blocks - 1) / shape.blocks;
  return blocks * shape.code_bytes + groups * (shape.head_bytes + shape.tail_bytes);
}

}  // namespace
}  // namespace tenwatt::cpu
