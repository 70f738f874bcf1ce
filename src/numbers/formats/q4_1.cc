// Q4_1 (GGUF type 3): blocks of 32 elements in 20 bytes: f16 scale d, f16 minimum m, then 16 bytes
// of nibbles; element = code * d + m.
//
// The reference quantiser spreads the codes over [min, max]: d = (max - min) / 15. Elements are
// scaled by the f32 d; only the stored d and m are f16.
#include "numbers/formats/affine.h"
#include "numbers/formats/nibbles.h"
#include "numbers/formats/parts.h"
#include "numbers/formats/rows.h"

namespace tenwatt::formats {
namespace {

constexpr size_t kBytes = 20;

void take_apart(const std::byte* block, std::span<BlockPart> parts) {
  parts[0].scale = f16_to_f32(load<uint16_t>(block));
  parts[0].minimum = f16_to_f32(load<uint16_t>(block + 2));
  parts[0].code = unpack_nibbles(block + 4);
}

constexpr BlockLayout kLayout{.minima = Minima::kYes, .take_apart = take_apart};

void encode(std::span<const float> in, std::span<std::byte> out) {
  for (size_t block = 0; block < in.size() / kPart; ++block) {
    std::byte* to = &out[block * kBytes];
    const AffineBlock affine = from_minimum(&in[block * kPart], 15);
    store(to, f32_to_f16(affine.scale));
    store(to + 2, f32_to_f16(affine.minimum));
    pack_nibbles(affine.codes, to + 4);
  }
}

}  // namespace

const FormatInfo kQ4_1 = block_row<kLayout, 32, kBytes>(Format::kQ4_1, "q4_1", encode);

}  // namespace tenwatt::formats
