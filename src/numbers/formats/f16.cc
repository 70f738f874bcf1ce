// f16: IEEE 754 binary16: 1 sign, 5 exponent (bias 15) and 10 fraction bits.
//
// Both conversions work on the bits, so they give the same result on every machine and whatever
// the processor's flush-to-zero mode is.
#include <bit>

#include "numbers/formats/load.h"
#include "numbers/formats/rows.h"

namespace tenwatt {
namespace {

constexpr uint32_t kF32Infinity = 0x7f800000;
constexpr uint32_t kF32Quiet = 0x00400000;
constexpr uint32_t kRebias = (127 - 15) << 23;          // f16 exponents as f32 exponents
constexpr uint32_t kSmallestNormal = (127 - 14) << 23;  // 2^-14
constexpr uint32_t kOverflow = 0x477ff000;              // 65520 and up round to infinity

// `magnitude` is an f32 below 2^-14; the result counts units of 2^-24, rounded to nearest even.
// 1024 (the smallest normal) is a possible result and has the right encoding.
uint32_t to_subnormal(uint32_t magnitude) {
  const uint32_t exponent = magnitude >> 23;
  if (exponent < 127 - 25) return 0;  // below half of the smallest subnormal
  const uint32_t significand = (magnitude & 0x7fffff) | 0x800000;
  const uint32_t shift = 126 - exponent;  // 14 to 24
  const uint32_t kept = significand >> shift;
  const uint32_t rest = significand & ((uint32_t{1} << shift) - 1);
  const uint32_t half = uint32_t{1} << (shift - 1);
  const bool up = rest > half || (rest == half && (kept & 1) != 0);
  return kept + (up ? 1 : 0);
}

}  // namespace

float f16_to_f32(uint16_t bits) {
  const uint32_t sign = static_cast<uint32_t>(bits & 0x8000) << 16;
  const uint32_t exponent = bits & 0x7c00;
  const uint32_t magnitude = static_cast<uint32_t>(bits & 0x7fff) << 13;
  if (exponent == 0x7c00) {
    const uint32_t quiet = (bits & 0x3ff) != 0 ? kF32Quiet : 0;
    return std::bit_cast<float>(sign | kF32Infinity | magnitude | quiet);
  }
  if (exponent == 0) {
    const float value = static_cast<float>(bits & 0x3ff) * 0x1p-24f;
    return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(value));
  }
  return std::bit_cast<float>(sign | (magnitude + kRebias));
}

uint16_t f32_to_f16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const auto sign = static_cast<uint16_t>((bits >> 16) & 0x8000);
  const uint32_t magnitude = bits & 0x7fffffff;
  if (magnitude > kF32Infinity) {
    return static_cast<uint16_t>(sign | 0x7e00 | ((magnitude >> 13) & 0x3ff));
  }
  if (magnitude >= kOverflow) return static_cast<uint16_t>(sign | 0x7c00);
  if (magnitude < kSmallestNormal) return static_cast<uint16_t>(sign | to_subnormal(magnitude));
  const uint32_t even = (magnitude >> 13) & 1;
  return static_cast<uint16_t>(sign | ((magnitude - kRebias + 0xfff + even) >> 13));
}

namespace formats {
namespace {

void decode(std::span<const std::byte> in, std::span<float> out) {
  for (size_t i = 0; i < out.size(); ++i) out[i] = f16_to_f32(load<uint16_t>(&in[2 * i]));
}

void encode(std::span<const float> in, std::span<std::byte> out) {
  for (size_t i = 0; i < in.size(); ++i) store(&out[2 * i], f32_to_f16(in[i]));
}

}  // namespace

const FormatInfo kF16{Format::kF16, "f16", FormatKind::kFloat, 1, 2, decode, encode};

}  // namespace formats
}  // namespace tenwatt
