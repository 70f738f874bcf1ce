// Q4_0 (GGUF type 2): blocks of 32 elements in 18 bytes: f16 scale d, then 16 bytes of nibbles;
// element = (code - 8) * d.
//
// The reference quantiser takes the signed element of largest magnitude, v, and d = v / -8, so
// that v itself gets code 0. Elements are scaled by the f32 d; only the stored d is f16.
#include <cmath>

#include "numbers/formats/load.h"
#include "numbers/formats/nibbles.h"
#include "numbers/formats/rows.h"

namespace tenwatt::formats {
namespace {

constexpr size_t kBlock = 32;
constexpr size_t kBytes = 18;

void decode(std::span<const std::byte> in, std::span<float> out) {
  for (size_t block = 0; block < out.size() / kBlock; ++block) {
    const std::byte* from = &in[block * kBytes];
    float* to = &out[block * kBlock];
    const float scale = f16_to_f32(load<uint16_t>(from));
    const Codes codes = unpack_nibbles(from + 2);
    for (size_t i = 0; i < kBlock; ++i) to[i] = static_cast<float>(codes[i] - 8) * scale;
  }
}

void encode(std::span<const float> in, std::span<std::byte> out) {
  for (size_t block = 0; block < in.size() / kBlock; ++block) {
    const float* from = &in[block * kBlock];
    std::byte* to = &out[block * kBytes];
    float largest = from[0];
    for (size_t i = 1; i < kBlock; ++i) {
      if (std::fabs(from[i]) > std::fabs(largest)) largest = from[i];
    }
    const float scale = largest / -8;
    const float inverse = scale == 0 ? 0 : 1 / scale;
    Codes codes;
    for (size_t i = 0; i < kBlock; ++i) {
      codes[i] = to_nibble(from[i] * inverse + 8.5f);
    }
    store(to, f32_to_f16(scale));
    pack_nibbles(codes, to + 2);
  }
}

}  // namespace

const FormatInfo kQ4_0{Format::kQ4_0, "q4_0", FormatKind::kBlock, kBlock, kBytes, decode, encode};

}  // namespace tenwatt::formats
