// Number formats: what the bits of a tensor's elements mean.
//
// A format is a row of one table and a file of its own that documents layout, decoding and
// encoding (formats/<name>.cc). Block formats pack `block` consecutive elements of the last axis
// into `bytes` bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/result.h"

namespace tenwatt {

enum class Format : uint8_t {
  kF32,
  kF16,
  kBF16,
  kF64,
  kI8,
  kU8,
  kI16,
  kU16,
  kI32,
  kU32,
  kI64,
  kU64,
  kBool,    ///< one byte, 0 or 1
  kQ4_0,    ///< 32 elements: f16 scale, 4-bit codes minus 8
  kQ4_1,    ///< 32 elements: f16 scale, f16 minimum, 4-bit codes
  kQ8_0,    ///< 32 elements: f16 scale, int8 codes
  kQ5_0,    ///< 32 elements: f16 scale, 5-bit codes minus 16
  kQ5_1,    ///< 32 elements: f16 scale, f16 minimum, 5-bit codes
  kQ2_K,    ///< 256 elements: 2-bit codes, 4-bit scale and minimum per 16
  kQ3_K,    ///< 256 elements: 3-bit codes minus 4, 6-bit scale per 16
  kQ4_K,    ///< 256 elements: 4-bit codes, 6-bit scale and minimum per 32
  kQ5_K,    ///< 256 elements: 5-bit codes, 6-bit scale and minimum per 32
  kQ6_K,    ///< 256 elements: 6-bit codes minus 32, 8-bit scale per 16
  kIQ4_NL,  ///< 32 elements: f16 scale, 4-bit codes of a codebook
  kIQ4_XS,  ///< 256 elements: 4-bit codes of a codebook, 6-bit scale per 32
  kMXFP4,   ///< 32 elements: power-of-two scale, 4-bit floats
};

enum class FormatKind : uint8_t { kFloat, kInteger, kBool, kBlock };

struct BlockLayout;

/// One row of the table.
struct FormatInfo {
  Format format;
  std::string_view name;  ///< "f32", "q4_0"
  FormatKind kind;
  uint32_t block;  ///< elements per block (1 for scalars)
  uint32_t bytes;  ///< bytes per block
  /// Decodes `out.size()` elements (a multiple of `block`) from `in` to f32. Integers are
  /// converted by value.
  void (*decode)(std::span<const std::byte> in, std::span<float> out);
  /// Encodes `in.size()` elements (a multiple of `block`) by the format's reference quantiser.
  /// Null where there is none: the K formats and IQ4 leave a search to the quantiser.
  void (*encode)(std::span<const float> in, std::span<std::byte> out);
  /// How its blocks come apart (numbers/blocks.h); null but for block formats.
  const BlockLayout* layout = nullptr;
};

const FormatInfo& info(Format format);
std::optional<Format> format_by_name(std::string_view name);
std::span<const FormatInfo> all_formats();

inline bool is_block(Format format) { return info(format).kind == FormatKind::kBlock; }

/// Bytes of `elements` elements; an error where they don't fill whole blocks or overflow.
Result<size_t> storage_bytes(Format format, int64_t elements);

/// IEEE half and bfloat16 conversions; to-conversions round to nearest even and keep NaN quiet.
float f16_to_f32(uint16_t bits);
uint16_t f32_to_f16(float value);
float bf16_to_f32(uint16_t bits);
uint16_t f32_to_bf16(float value);

}  // namespace tenwatt
