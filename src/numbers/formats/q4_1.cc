// Q4_1 (GGUF type 3): blocks of 32 elements in 20 bytes: f16 scale d, f16 minimum m, then 16 bytes
// of nibbles; element = code * d + m.
//
// The reference quantiser spreads the codes over [min, max]: d = (max - min) / 15. Elements are
// scaled by the f32 d; only the stored d and m are f16.
#include <algorithm>

#include "numbers/formats/load.h"
#include "numbers/formats/nibbles.h"
#include "numbers/formats/rows.h"

namespace tenwatt::formats {
namespace {

constexpr size_t kBlock = 32;
constexpr size_t kBytes = 20;

void decode(std::span<const std::byte> in, std::span<float> out) {
  for (size_t block = 0; block < out.size() / kBlock; ++block) {
    const std::byte* from = &in[block * kBytes];
    float* to = &out[block * kBlock];
    const float scale = f16_to_f32(load<uint16_t>(from));
    const float minimum = f16_to_f32(load<uint16_t>(from + 2));
    const Codes codes = unpack_nibbles(from + 4);
    for (size_t i = 0; i < kBlock; ++i) to[i] = static_cast<float>(codes[i]) * scale + minimum;
  }
}

void encode(std::span<const float> in, std::span<std::byte> out) {
  for (size_t block = 0; block < in.size() / kBlock; ++block) {
    const float* from = &in[block * kBlock];
    std::byte* to = &out[block * kBytes];
    const auto [minimum, maximum] = std::minmax_element(from, from + kBlock);
    const float scale = (*maximum - *minimum) / 15;
    const float inverse = scale == 0 ? 0 : 1 / scale;
    Codes codes;
    for (size_t i = 0; i < kBlock; ++i) {
      codes[i] = to_nibble((from[i] - *minimum) * inverse + 0.5f);
    }
    store(to, f32_to_f16(scale));
    store(to + 2, f32_to_f16(*minimum));
    pack_nibbles(codes, to + 4);
  }
}

}  // namespace

const FormatInfo kQ4_1{Format::kQ4_1, "q4_1", FormatKind::kBlock, kBlock, kBytes, decode, encode};

}  // namespace tenwatt::formats
