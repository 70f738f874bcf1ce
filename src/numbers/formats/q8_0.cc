// Q8_0 (GGUF type 8): blocks of 32 elements in 34 bytes: f16 scale d, then 32 signed bytes;
// element = code * d.
//
// The reference quantiser takes d = largest magnitude / 127 and rounds half away from zero.
// Elements are scaled by the f32 d; only the stored d is f16.
#include <algorithm>
#include <cmath>

#include "numbers/formats/load.h"
#include "numbers/formats/rows.h"

namespace tenwatt::formats {
namespace {

constexpr size_t kBlock = 32;
constexpr size_t kBytes = 34;

// Magnitudes are at most 127 by construction; infinities and NaN in the data must not be cast.
int8_t to_code(float scaled) {
  if (std::isnan(scaled)) return 0;
  return static_cast<int8_t>(std::round(std::clamp(scaled, -127.0f, 127.0f)));
}

void decode(std::span<const std::byte> in, std::span<float> out) {
  for (size_t block = 0; block < out.size() / kBlock; ++block) {
    const std::byte* from = &in[block * kBytes];
    float* to = &out[block * kBlock];
    const float scale = f16_to_f32(load<uint16_t>(from));
    for (size_t i = 0; i < kBlock; ++i) {
      to[i] = static_cast<float>(load<int8_t>(from + 2 + i)) * scale;
    }
  }
}

void encode(std::span<const float> in, std::span<std::byte> out) {
  for (size_t block = 0; block < in.size() / kBlock; ++block) {
    const float* from = &in[block * kBlock];
    std::byte* to = &out[block * kBytes];
    float largest = 0;
    for (size_t i = 0; i < kBlock; ++i) largest = std::max(largest, std::fabs(from[i]));
    const float scale = largest / 127;
    const float inverse = scale == 0 ? 0 : 1 / scale;
    store(to, f32_to_f16(scale));
    for (size_t i = 0; i < kBlock; ++i) store(to + 2 + i, to_code(from[i] * inverse));
  }
}

}  // namespace

const FormatInfo kQ8_0{Format::kQ8_0, "q8_0", FormatKind::kBlock, kBlock, kBytes, decode, encode};

}  // namespace tenwatt::formats
