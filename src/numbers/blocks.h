// Blocks taken apart: what every block format says about 32 consecutive elements, without loss and
// in one form, so that whoever lays weights out anew need not know each format's bits.
//
// Element i is scale * step[i / 16] * level(code[i]) + minimum * rise[i / 16], where level(code) is
// codebook[code] or code - zero. The products scale * step and minimum * rise are exact in f32.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "numbers/format.h"

namespace tenwatt {

/// Elements of a part; every format's block is a whole number of parts.
inline constexpr size_t kPartElements = 32;

struct BlockPart {
  std::array<uint8_t, kPartElements> code = {};
  float scale = 0;
  float minimum = 0;
  /// Whole multiples of scale and minimum, for elements [0, 16) and [16, 32).
  std::array<int16_t, 2> step = {1, 1};
  std::array<int16_t, 2> rise = {1, 1};
};

enum class Minima : uint8_t { kNo, kYes };

/// How the parts of one format read, and how its blocks come apart.
struct BlockLayout {
  int zero = 0;
  std::span<const int8_t> codebook = {};  ///< 16 levels, or empty
  Minima minima = Minima::kNo;
  /// Fills the parts of one block; step and rise only where the format has them.
  void (*take_apart)(const std::byte* block, std::span<BlockPart> parts) = nullptr;
};

/// Element i of a part.
inline float value_of(const BlockLayout& layout, const BlockPart& part, size_t i) {
  const int code = part.code[i];
  const int level =
      layout.codebook.empty() ? code - layout.zero : layout.codebook[static_cast<size_t>(code)];
  const float scaled = part.scale * part.step[i / 16] * static_cast<float>(level);
  return layout.minima == Minima::kNo ? scaled : scaled + part.minimum * part.rise[i / 16];
}

}  // namespace tenwatt
