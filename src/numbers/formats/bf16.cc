// bf16: the upper half of an f32: 1 sign, 8 exponent and 7 fraction bits.
#include <bit>

#include "numbers/formats/load.h"
#include "numbers/formats/rows.h"

namespace tenwatt {

float bf16_to_f32(uint16_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }

uint16_t f32_to_bf16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  constexpr uint32_t kQuiet = 0x40;
  // Rounding a NaN could carry into the exponent and make it infinite.
  if ((bits & 0x7fffffff) > 0x7f800000) return static_cast<uint16_t>((bits >> 16) | kQuiet);
  return static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

namespace formats {
namespace {

void decode(std::span<const std::byte> in, std::span<float> out) {
  for (size_t i = 0; i < out.size(); ++i) out[i] = bf16_to_f32(load<uint16_t>(&in[2 * i]));
}

void encode(std::span<const float> in, std::span<std::byte> out) {
  for (size_t i = 0; i < in.size(); ++i) store(&out[2 * i], f32_to_bf16(in[i]));
}

}  // namespace

const FormatInfo kBF16{Format::kBF16, "bf16", FormatKind::kFloat, 1, 2, decode, encode};

}  // namespace formats
}  // namespace tenwatt
