// bool: one byte, 0 for false; every other byte reads as true and true is written as 1.
#include "numbers/formats/rows.h"

namespace tenwatt::formats {
namespace {

void decode(std::span<const std::byte> in, std::span<float> out) {
  for (size_t i = 0; i < out.size(); ++i) out[i] = in[i] == std::byte{0} ? 0.0f : 1.0f;
}

void encode(std::span<const float> in, std::span<std::byte> out) {
  for (size_t i = 0; i < in.size(); ++i) out[i] = in[i] == 0.0f ? std::byte{0} : std::byte{1};
}

}  // namespace

const FormatInfo kBool{Format::kBool, "bool", FormatKind::kBool, 1, 1, decode, encode};

}  // namespace tenwatt::formats
