// The head that Q4_K and Q5_K blocks share: f16 d, f16 dmin and, in 12 bytes, 6-bit scales and
// minima of 8 sub-blocks. Sub-blocks 0-3 have theirs in the lower six bits of bytes b (scale) and
// b + 4 (minimum); sub-blocks 4-7 take four bits from byte b + 4 and the two bits that are left
// over in bytes b - 4 (scale) and b (minimum).
#pragma once

#include "numbers/formats/parts.h"

namespace tenwatt::formats {

inline void take_apart_scales(const std::byte* block, std::span<BlockPart> parts) {
  const float scale = f16_to_f32(load<uint16_t>(block));
  const float minimum = -f16_to_f32(load<uint16_t>(block + 2));
  const std::byte* raw = block + 4;
  for (size_t b = 0; b < parts.size(); ++b) {
    int step = byte_at(raw, b) & 63;
    int rise = byte_at(raw, b + 4) & 63;
    if (b >= 4) {
      step = (byte_at(raw, b + 4) & 15) | (byte_at(raw, b - 4) >> 6 << 4);
      rise = (byte_at(raw, b + 4) >> 4) | (byte_at(raw, b) >> 6 << 4);
    }
    parts[b].scale = scale;
    parts[b].minimum = minimum;
    parts[b].step.fill(static_cast<int16_t>(step));
    parts[b].rise.fill(static_cast<int16_t>(rise));
  }
}

}  // namespace tenwatt::formats
