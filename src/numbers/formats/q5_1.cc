// Q5_1 (GGUF type 7): blocks of 32 elements in 24 bytes: f16 scale d, f16 minimum m, 32 fifth bits
// (bit i belongs to element i), 16 bytes of nibbles; element = code * d + m.
//
// The reference quantiser is that of Q4_1 with d = (max - min) / 31.
#include "numbers/formats/affine.h"
#include "numbers/formats/nibbles.h"
#include "numbers/formats/parts.h"
#include "numbers/formats/rows.h"

namespace tenwatt::formats {
namespace {

constexpr size_t kBytes = 24;

void take_apart(const std::byte* block, std::span<BlockPart> parts) {
  parts[0].scale = f16_to_f32(load<uint16_t>(block));
  parts[0].minimum = f16_to_f32(load<uint16_t>(block + 2));
  parts[0].code = unpack_nibbles(block + 8);
  add_fifth_bits(load<uint32_t>(block + 4), parts[0].code);
}

constexpr BlockLayout kLayout{.minima = Minima::kYes, .take_apart = take_apart};

void encode(std::span<const float> in, std::span<std::byte> out) {
  for (size_t block = 0; block < in.size() / kPart; ++block) {
    std::byte* to = &out[block * kBytes];
    const AffineBlock affine = from_minimum(&in[block * kPart], 31);
    store(to, f32_to_f16(affine.scale));
    store(to + 2, f32_to_f16(affine.minimum));
    store(to + 4, fifth_bits(affine.codes));
    pack_nibbles(affine.codes, to + 8);
  }
}

}  // namespace

const FormatInfo kQ5_1 = block_row<kLayout, 32, kBytes>(Format::kQ5_1, "q5_1", encode);

}  // namespace tenwatt::formats
