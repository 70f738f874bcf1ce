// Q6_K (GGUF type 14): blocks of 256 elements in 210 bytes: 128 bytes of lower nibbles, 64 bytes of
// upper bit pairs, a signed 8-bit scale for each 16 elements, f16 d; element = d * scale *
// (code - 32).
//
// Of each half of 128 elements, quarter g takes its nibbles from 32 bytes, low halves for g < 2,
// and its upper pairs from bits 2g of 32 bytes.
#include "numbers/formats/parts.h"
#include "numbers/formats/rows.h"

namespace tenwatt::formats {
namespace {

constexpr size_t kBytes = 210;

void take_apart(const std::byte* block, std::span<BlockPart> parts) {
  const float scale = f16_to_f32(load<uint16_t>(block + 208));
  for (size_t b = 0; b < parts.size(); ++b) {
    const size_t half = b / 4, g = b % 4;
    const std::byte* lower = block + 64 * half + 32 * (g % 2);
    const std::byte* upper = block + 128 + 32 * half;
    parts[b].scale = scale;
    for (size_t s = 0; s < 2; ++s) parts[b].step[s] = load<int8_t>(block + 192 + 2 * b + s);
    for (size_t i = 0; i < kPart; ++i) {
      const int nibble = (byte_at(lower, i) >> (4 * (g / 2))) & 15;
      const int pair = (byte_at(upper, i) >> (2 * g)) & 3;
      parts[b].code[i] = static_cast<uint8_t>(nibble | (pair << 4));
    }
  }
}

constexpr BlockLayout kLayout{.zero = 32, .take_apart = take_apart};

}  // namespace

const FormatInfo kQ6_K = block_row<kLayout, 256, kBytes>(Format::kQ6_K, "q6_k", nullptr);

}  // namespace tenwatt::formats
