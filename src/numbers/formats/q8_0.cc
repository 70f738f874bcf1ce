// Q8_0 (GGUF type 8): blocks of 32 elements in 34 bytes: f16 scale d, then 32 signed bytes;
// element = byte * d. Codes are the bytes plus 128.
//
// The reference quantiser takes d = largest magnitude / 127 and rounds half away from zero.
// Elements are scaled by the f32 d; only the stored d is f16.
#include <algorithm>
#include <cmath>

#include "numbers/formats/parts.h"
#include "numbers/formats/rows.h"

namespace tenwatt::formats {
namespace {

constexpr size_t kBytes = 34;

// Magnitudes are at most 127 by construction; infinities and NaN in the data must not be cast.
int8_t to_code(float scaled) {
  if (std::isnan(scaled)) return 0;
  return static_cast<int8_t>(std::round(std::clamp(scaled, -127.0f, 127.0f)));
}

void take_apart(const std::byte* block, std::span<BlockPart> parts) {
  parts[0].scale = f16_to_f32(load<uint16_t>(block));
  for (size_t i = 0; i < kPart; ++i) parts[0].code[i] = byte_at(block, 2 + i) ^ 0x80;
}

constexpr BlockLayout kLayout{.zero = 128, .take_apart = take_apart};

void encode(std::span<const float> in, std::span<std::byte> out) {
  for (size_t block = 0; block < in.size() / kPart; ++block) {
    const float* from = &in[block * kPart];
    std::byte* to = &out[block * kBytes];
    float largest = 0;
    for (size_t i = 0; i < kPart; ++i) largest = std::max(largest, std::fabs(from[i]));
    const float scale = largest / 127;
    const float inverse = scale == 0 ? 0 : 1 / scale;
    store(to, f32_to_f16(scale));
    for (size_t i = 0; i < kPart; ++i) store(to + 2 + i, to_code(from[i] * inverse));
  }
}

}  // namespace

const FormatInfo kQ8_0 = block_row<kLayout, 32, kBytes>(Format::kQ8_0, "q8_0", encode);

}  // namespace tenwatt::formats
