// 32 four-bit codes in 16 bytes, as the Q4 formats of GGUF store them: byte j holds code j in its
// low half and code j + 16 in its high half.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace tenwatt::formats {

using Codes = std::array<uint8_t, 32>;

inline Codes unpack_nibbles(const std::byte* packed) {
  Codes codes;
  for (size_t j = 0; j < 16; ++j) {
    const auto byte = static_cast<uint8_t>(packed[j]);
    codes[j] = byte & 15;
    codes[j + 16] = byte >> 4;
  }
  return codes;
}

inline void pack_nibbles(const Codes& codes, std::byte* packed) {
  for (size_t j = 0; j < 16; ++j) {
    packed[j] = static_cast<std::byte>(codes[j] | (codes[j + 16] << 4));
  }
}

/// A scaled value truncated to a code; values beyond the range (and NaN) give its ends.
inline uint8_t to_nibble(float scaled) {
  if (!(scaled > 0.0f)) return 0;
  return scaled >= 15.0f ? 15 : static_cast<uint8_t>(scaled);
}

}  // namespace tenwatt::formats
