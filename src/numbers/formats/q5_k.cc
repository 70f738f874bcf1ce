// Q5_K (GGUF type 13): blocks of 256 elements in 176 bytes: f16 d, f16 dmin, 12 bytes of 6-bit
// scales and minima of 8 sub-blocks (k_scales.h), 32 bytes of fifth bits (bit b of byte i belongs
// to element i of sub-block b), then nibbles as in Q4_K; element = d * scale * code - dmin *
// minimum.
#include "numbers/formats/k_scales.h"
#include "numbers/formats/parts.h"
#include "numbers/formats/rows.h"

namespace tenwatt::formats {
namespace {

constexpr size_t kBytes = 176;

void take_apart(const std::byte* block, std::span<BlockPart> parts) {
  take_apart_scales(block, parts);
  for (size_t b = 0; b < parts.size(); ++b) {
    const std::byte* packed = block + 48 + 32 * (b / 2);
    for (size_t i = 0; i < kPart; ++i) {
      const int nibble = (byte_at(packed, i) >> (4 * (b % 2))) & 15;
      const int fifth = (byte_at(block, 16 + i) >> b) & 1;
      parts[b].code[i] = static_cast<uint8_t>(nibble | (fifth << 4));
    }
  }
}

constexpr BlockLayout kLayout{.minima = Minima::kYes, .take_apart = take_apart};

}  // namespace

const FormatInfo kQ5_K = block_row<kLayout, 256, kBytes>(Format::kQ5_K, "q5_k", nullptr);

}  // namespace tenwatt::formats
