// Q2_K (GGUF type 10): blocks of 256 elements in 84 bytes: for each 16 elements a byte of a 4-bit
// scale (low half) and a 4-bit minimum, 64 bytes of bit pairs, f16 d, f16 dmin; element = d * scale
// * code - dmin * minimum.
//
// Of each half of 128 elements, quarter g takes its pairs from bits 2g of 32 bytes.
#include "numbers/formats/parts.h"
#include "numbers/formats/rows.h"

namespace tenwatt::formats {
namespace {

constexpr size_t kBytes = 84;

void take_apart(const std::byte* block, std::span<BlockPart> parts) {
  const float scale = f16_to_f32(load<uint16_t>(block + 80));
  const float minimum = -f16_to_f32(load<uint16_t>(block + 82));
  for (size_t b = 0; b < parts.size(); ++b) {
    const std::byte* pairs = block + 16 + 32 * (b / 4);
    parts[b].scale = scale;
    parts[b].minimum = minimum;
    for (size_t s = 0; s < 2; ++s) {
      const uint8_t both = byte_at(block, 2 * b + s);
      parts[b].step[s] = both & 15;
      parts[b].rise[s] = both >> 4;
    }
    for (size_t i = 0; i < kPart; ++i) {
      parts[b].code[i] = (byte_at(pairs, i) >> (2 * (b % 4))) & 3;
    }
  }
}

constexpr BlockLayout kLayout{.minima = Minima::kYes, .take_apart = take_apart};

}  // namespace

const FormatInfo kQ2_K = block_row<kLayout, 256, kBytes>(Format::kQ2_K, "q2_k", nullptr);

}  // namespace tenwatt::formats
