// Weights in every block format for tests: random blocks with moderate scales (the K formats have
// no reference quantiser), and their panels.
#pragma once

#include <random>
#include <span>
#include <string>
#include <vector>

#include "numbers/blocks.h"
#include "unit/devices_cpu/kernels_support.h"

namespace tenwatt::cpu {

inline std::vector<Format> every_block_format() {
  std::vector<Format> formats;
  for (const FormatInfo& row : all_formats()) {
    if (block_format(row.format)) formats.push_back(row.format);
  }
  return formats;
}

/// Where a format's blocks hold f16 numbers; MXFP4 has an exponent byte at 0 instead.
inline std::vector<size_t> halves_of(Format format) {
  switch (format) {
    case Format::kQ4_1:
    case Format::kQ5_1:
    case Format::kQ4_K:
    case Format::kQ5_K:
      return {0, 2};
    case Format::kQ2_K:
      return {80, 82};
    case Format::kQ3_K:
      return {108};
    case Format::kQ6_K:
      return {208};
    case Format::kMXFP4:
      return {};
    default:
      return {0};
  }
}

/// Sets the scales (and minima) of a block, MXFP4's to a power of two near them.
inline void set_scales(Format format, std::byte* block, float scale, float minimum) {
  const float values[] = {scale, minimum};
  for (size_t i = 0; i < halves_of(format).size(); ++i) {
    const uint16_t half = f32_to_f16(values[i]);
    std::memcpy(block + halves_of(format)[i], &half, sizeof half);
  }
  if (format == Format::kMXFP4) {
    block[0] = static_cast<std::byte>(128 + std::ilogb(std::max(std::abs(scale), 1e-30f)));
  }
}

/// [n, k] of random codes; scales about `scale`, of either sign where the format has signs.
inline std::vector<std::byte> random_blocks(Format format, int64_t n, int64_t k,
                                            std::mt19937& random, float scale = 0.01f) {
  std::vector<std::byte> bytes(*storage_bytes(format, n * k));
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random() & 255);
  std::normal_distribution<float> normal(0.0f, scale);
  const size_t block = info(format).bytes;
  for (size_t at = 0; at < bytes.size(); at += block) {
    set_scales(format, &bytes[at], normal(random), normal(random));
  }
  return bytes;
}

struct BlockWeights {
  BlockWeights(Format source, int64_t n, int64_t k, std::vector<std::byte> blocks)
      : format(*block_format(source)),
        file(std::move(blocks)),
        values(n * k),
        panels(panels_of(n) * block_panel_bytes(format, k)) {
    info(source).decode(file, values);
    for (int64_t p = 0; p < panels_of(n); ++p) {
      pack_block_panel(format, file.data(), n, k, p,
                       panels.data() + p * block_panel_bytes(format, k));
    }
  }
  BlockFormat format;
  std::vector<std::byte> file;
  std::vector<float> values;
  Aligned panels;
};

}  // namespace tenwatt::cpu
