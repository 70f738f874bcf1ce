// IQ4_XS (GGUF type 23): blocks of 256 elements in 136 bytes: f16 scale d, 8 x 2 upper and 8 x 4
// lower bits of the sub-blocks' 6-bit scales, then 16 bytes of nibbles for each 32 elements;
// element = level[code] * d * (scale - 32), with the levels of IQ4_NL.
#include "numbers/formats/nibbles.h"
#include "numbers/formats/parts.h"
#include "numbers/formats/rows.h"

namespace tenwatt::formats {
namespace {

constexpr size_t kBytes = 136;

void take_apart(const std::byte* block, std::span<BlockPart> parts) {
  const float scale = f16_to_f32(load<uint16_t>(block));
  const auto upper = load<uint16_t>(block + 2);
  for (size_t b = 0; b < parts.size(); ++b) {
    const int lower = (byte_at(block, 4 + b / 2) >> (4 * (b % 2))) & 15;
    const int step = lower | (((upper >> (2 * b)) & 3) << 4);
    parts[b].scale = scale;
    parts[b].step.fill(static_cast<int16_t>(step - 32));
    parts[b].code = unpack_nibbles(block + 8 + 16 * b);
  }
}

constexpr BlockLayout kLayout{.codebook = kNonlinearLevels, .take_apart = take_apart};

}  // namespace

const FormatInfo kIQ4_XS = block_row<kLayout, 256, kBytes>(Format::kIQ4_XS, "iq4_xs", nullptr);

}  // namespace tenwatt::formats
