// Q5_0 (GGUF type 6): blocks of 32 elements in 22 bytes: f16 scale d, 32 fifth bits (bit i belongs
// to element i), 16 bytes of nibbles; element = (code - 16) * d.
//
// The reference quantiser is that of Q4_0 with d = v / -16.
#include "numbers/formats/affine.h"
#include "numbers/formats/nibbles.h"
#include "numbers/formats/parts.h"
#include "numbers/formats/rows.h"

namespace tenwatt::formats {
namespace {

constexpr size_t kBytes = 22;

void take_apart(const std::byte* block, std::span<BlockPart> parts) {
  parts[0].scale = f16_to_f32(load<uint16_t>(block));
  parts[0].code = unpack_nibbles(block + 6);
  add_fifth_bits(load<uint32_t>(block + 2), parts[0].code);
}

constexpr BlockLayout kLayout{.zero = 16, .take_apart = take_apart};

void encode(std::span<const float> in, std::span<std::byte> out) {
  for (size_t block = 0; block < in.size() / kPart; ++block) {
    std::byte* to = &out[block * kBytes];
    const AffineBlock affine = around_zero(&in[block * kPart], 16);
    store(to, f32_to_f16(affine.scale));
    store(to + 2, fifth_bits(affine.codes));
    pack_nibbles(affine.codes, to + 6);
  }
}

}  // namespace

const FormatInfo kQ5_0 = block_row<kLayout, 32, kBytes>(Format::kQ5_0, "q5_0", encode);

}  // namespace tenwatt::formats
