// Q3_K (GGUF type 11): blocks of 256 elements in 110 bytes: 32 bytes of third bits (bit b of byte i
// belongs to element i of the b-th 32), 64 bytes of bit pairs, 12 bytes of 6-bit scales for each 16
// elements, f16 d; element = d * (scale - 32) * (code - 4).
//
// Of each half of 128 elements, quarter g takes its pairs from bits 2g of 32 bytes. Scale s has its
// lower four bits in byte s % 8 (the high half for s >= 8), its upper two in byte 8 + s % 4.
#include "numbers/formats/parts.h"
#include "numbers/formats/rows.h"

namespace tenwatt::formats {
namespace {

constexpr size_t kBytes = 110;

int16_t step_at(const std::byte* raw, size_t s) {
  const int lower = (byte_at(raw, s % 8) >> (4 * (s / 8))) & 15;
  const int upper = (byte_at(raw, 8 + s % 4) >> (2 * (s / 4))) & 3;
  return static_cast<int16_t>((lower | (upper << 4)) - 32);
}

void take_apart(const std::byte* block, std::span<BlockPart> parts) {
  const float scale = f16_to_f32(load<uint16_t>(block + 108));
  for (size_t b = 0; b < parts.size(); ++b) {
    const std::byte* pairs = block + 32 + 32 * (b / 4);
    parts[b].scale = scale;
    for (size_t s = 0; s < 2; ++s) parts[b].step[s] = step_at(block + 96, 2 * b + s);
    for (size_t i = 0; i < kPart; ++i) {
      const int pair = (byte_at(pairs, i) >> (2 * (b % 4))) & 3;
      const int third = (byte_at(block, i) >> b) & 1;
      parts[b].code[i] = static_cast<uint8_t>(pair | (third << 2));
    }
  }
}

constexpr BlockLayout kLayout{.zero = 4, .take_apart = take_apart};

}  // namespace

const FormatInfo kQ3_K = block_row<kLayout, 256, kBytes>(Format::kQ3_K, "q3_k", nullptr);

}  // namespace tenwatt::formats
