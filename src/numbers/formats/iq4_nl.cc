// IQ4_NL (GGUF type 20): blocks of 32 elements in 18 bytes: f16 scale d, then 16 bytes of nibbles;
// element = level[code] * d, the levels being denser around zero.
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

constexpr BlockLayout kLayout{.codebook = kNonlinearLevels, .take_apart = take_apart};

}  // namespace

const FormatInfo kIQ4_NL = block_row<kLayout, 32, kBytes>(Format::kIQ4_NL, "iq4_nl", nullptr);

}  // namespace tenwatt::formats
