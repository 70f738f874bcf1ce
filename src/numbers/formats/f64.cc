// f64: IEEE 754 binary64. Decoding rounds to the nearest f32.
#include "numbers/formats/load.h"
#include "numbers/formats/rows.h"

namespace tenwatt::formats {
namespace {

void decode(std::span<const std::byte> in, std::span<float> out) {
  for (size_t i = 0; i < out.size(); ++i) out[i] = static_cast<float>(load<double>(&in[8 * i]));
}

void encode(std::span<const float> in, std::span<std::byte> out) {
  for (size_t i = 0; i < in.size(); ++i) store(&out[8 * i], static_cast<double>(in[i]));
}

}  // namespace

const FormatInfo kF64{Format::kF64, "f64", FormatKind::kFloat, 1, 8, decode, encode};

}  // namespace tenwatt::formats
