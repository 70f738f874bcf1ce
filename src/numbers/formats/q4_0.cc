// Q4_0 (GGUF type 2): blocks of 32 elements in 18 bytes: f16 scale d, then 16 bytes of nibbles;
// element = (code - 8) * d.
//
// The reference quantiser takes the signed element of largest magnitude, v, and d = v / -8, so
// that v itself gets code 0. Elements are scaled by the f32 d; only the stored d is f16.
#include "numbers/formats/affine.h"
#include "numbers/formats/nibbles.h"
#include "numbers/formats/parts.h"
#include "numbers/formats/rows.h"

namespace tenwatt::formats {
namespace {

constexpr size_t kBytes = 18;

void take_apart(const std::byte* block, std::span<BlockPart> parts) {
  parts[0].scale = f16_to_f32(load<uint16_t>(block));
  parts[0].code = unpack_nibbles(block + 2);
}

constexpr BlockLayout kLayout{.zero = 8, .take_apart = take_apart};

void encode(std::span<const float> in, std::span<std::byte> out) {
  for (size_t block = 0; block < in.size() / kPart; ++block) {
    std::byte* to = &out[block * kBytes];
    const AffineBlock affine = around_zero(&in[block * kPart], 8);
    store(to, f32_to_f16(affine.scale));
    pack_nibbles(affine.codes, to + 2);
  }
}

}  // namespace

const FormatInfo kQ4_0 = block_row<kLayout, 32, kBytes>(Format::kQ4_0, "q4_0", encode);

}  // namespace tenwatt::formats
