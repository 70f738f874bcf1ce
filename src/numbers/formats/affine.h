// The reference quantisers of the formats that have one scale per 32 elements. Elements are scaled
// by the f32 scale; only the stored one is f16.
#pragma once

#include <algorithm>
#include <cmath>

#include "numbers/formats/nibbles.h"

namespace tenwatt::formats {

struct AffineBlock {
  Codes codes;
  float scale;
  float minimum;
};

/// A scaled value truncated to a code; values beyond the range (and NaN) give its ends.
inline uint8_t to_code(float scaled, uint8_t largest) {
  if (!(scaled > 0.0f)) return 0;
  return scaled >= static_cast<float>(largest) ? largest : static_cast<uint8_t>(scaled);
}

/// Codes [0, 2 * zero): the signed element of largest magnitude gets code 0.
inline AffineBlock around_zero(const float* from, uint8_t zero) {
  float largest = from[0];
  for (size_t i = 1; i < 32; ++i) {
    if (std::fabs(from[i]) > std::fabs(largest)) largest = from[i];
  }
  AffineBlock block;
  block.minimum = 0;
  block.scale = largest / -static_cast<float>(zero);
  const float inverse = block.scale == 0 ? 0 : 1 / block.scale;
  for (size_t i = 0; i < 32; ++i) {
    block.codes[i] = to_code(from[i] * inverse + (static_cast<float>(zero) + 0.5f),
                             static_cast<uint8_t>(2 * zero - 1));
  }
  return block;
}

/// Codes [0, largest] spread over [min, max].
inline AffineBlock from_minimum(const float* from, uint8_t largest) {
  const auto [minimum, maximum] = std::minmax_element(from, from + 32);
  AffineBlock block;
  block.minimum = *minimum;
  block.scale = (*maximum - *minimum) / static_cast<float>(largest);
  const float inverse = block.scale == 0 ? 0 : 1 / block.scale;
  for (size_t i = 0; i < 32; ++i) {
    block.codes[i] = to_code((from[i] - block.minimum) * inverse + 0.5f, largest);
  }
  return block;
}

}  // namespace tenwatt::formats
