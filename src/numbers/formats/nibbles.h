// 32 codes of four or five bits as GGUF stores them: byte j of 16 holds the lower four bits of code
// j in its low half and those of code j + 16 in its high half; bit i of a word is the fifth bit of
// code i.
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

/// Bits past the fourth are left out.
inline void pack_nibbles(const Codes& codes, std::byte* packed) {
  for (size_t j = 0; j < 16; ++j) {
    packed[j] = static_cast<std::byte>((codes[j] & 15) | ((codes[j + 16] & 15) << 4));
  }
}

inline void add_fifth_bits(uint32_t bits, Codes& codes) {
  for (size_t i = 0; i < codes.size(); ++i) {
    codes[i] = static_cast<uint8_t>(codes[i] | (((bits >> i) & 1) << 4));
  }
}

inline uint32_t fifth_bits(const Codes& codes) {
  uint32_t bits = 0;
  for (size_t i = 0; i < codes.size(); ++i) bits |= uint32_t{codes[i]} >> 4 << i;
  return bits;
}

/// The levels of IQ4_NL and IQ4_XS.
inline constexpr int8_t kNonlinearLevels[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                                1,    13,   25,  38,  53,  69,  89,  113};

}  // namespace tenwatt::formats
