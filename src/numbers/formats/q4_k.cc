// Q4_K (GGUF type 12): blocks of 256 elements in 144 bytes: f16 d, f16 dmin, 12 bytes of 6-bit
// scales and minima of 8 sub-blocks (k_scales.h), then for each pair of sub-blocks 32 bytes whose
// low halves belong to the first; element = d * scale * code - dmin * minimum.
#include "numbers/formats/k_scales.h"
#include "numbers/formats/parts.h"
#include "numbers/formats/rows.h"

namespace tenwatt::formats {
namespace {

constexpr size_t kBytes = 144;

void take_apart(const std::byte* block, std::span<BlockPart> parts) {
  take_apart_scales(block, parts);
  for (size_t b = 0; b < parts.size(); ++b) {
    const std::byte* packed = block + 16 + 32 * (b / 2);
    for (size_t i = 0; i < kPart; ++i) {
      parts[b].code[i] = (byte_at(packed, i) >> (4 * (b % 2))) & 15;
    }
  }
}

constexpr BlockLayout kLayout{.minima = Minima::kYes, .take_apart = take_apart};

}  // namespace

const FormatInfo kQ4_K = block_row<kLayout, 256, kBytes>(Format::kQ4_K, "q4_k", nullptr);

}  // namespace tenwatt::formats
