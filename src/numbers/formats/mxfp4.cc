// MXFP4 (GGUF type 39; the OCP Microscaling specification): blocks of 32 elements in 17 bytes: an
// E8M0 exponent e, then 16 bytes of nibbles, each an E2M1 float; element = E2M1 * 2^(e - 127).
//
// Codes name doubled values, which are whole, so the scale is 2^(e - 128), subnormal for e < 2. As
// in ggml, e = 255 is no NaN but one more exponent.
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "numbers/formats/nibbles.h"
#include "numbers/formats/parts.h"
#include "numbers/formats/rows.h"

namespace tenwatt::formats {
namespace {

constexpr size_t kBytes = 17;
constexpr int8_t kDoubled[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

float half_power(uint8_t exponent) {
  const uint32_t bits =
      exponent < 2 ? uint32_t{0x00200000} << exponent : (exponent - uint32_t{1}) << 23;
  return std::bit_cast<float>(bits);
}

void take_apart(const std::byte* block, std::span<BlockPart> parts) {
  parts[0].scale = half_power(byte_at(block, 0));
  parts[0].code = unpack_nibbles(block + 1);
}

constexpr BlockLayout kLayout{.codebook = kDoubled, .take_apart = take_apart};

// The exponent that makes the largest element's binade that of 4, the largest power of two.
uint8_t exponent_for(float largest) {
  if (!(largest > 0)) return 0;
  if (largest > std::numeric_limits<float>::max()) return 255;
  const int exponent = std::ilogb(largest) - 2 + 127;
  return exponent < 0 ? 0 : static_cast<uint8_t>(exponent);
}

// The first of the nearest values.
uint8_t nearest(float value, float scale) {
  uint8_t best = 0;
  for (uint8_t code = 1; code < 16; ++code) {
    const float error = std::fabs(scale * kDoubled[code] - value);
    if (error < std::fabs(scale * kDoubled[best] - value)) best = code;
  }
  return best;
}

void encode(std::span<const float> in, std::span<std::byte> out) {
  for (size_t block = 0; block < in.size() / kPart; ++block) {
    const float* from = &in[block * kPart];
    std::byte* to = &out[block * kBytes];
    float largest = 0;
    for (size_t i = 0; i < kPart; ++i) largest = std::max(largest, std::fabs(from[i]));
    const uint8_t exponent = exponent_for(largest);
    Codes codes;
    for (size_t i = 0; i < kPart; ++i) codes[i] = nearest(from[i], half_power(exponent));
    store(to, exponent);
    pack_nibbles(codes, to + 1);
  }
}

}  // namespace

const FormatInfo kMXFP4 = block_row<kLayout, 32, kBytes>(Format::kMXFP4, "mxfp4", encode);

}  // namespace tenwatt::formats
