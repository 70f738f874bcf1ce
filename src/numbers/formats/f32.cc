// f32: IEEE 754 binary32, stored as it is.
#include <cstring>

#include "numbers/formats/rows.h"

namespace tenwatt::formats {
namespace {

void decode(std::span<const std::byte> in, std::span<float> out) {
  if (!out.empty()) std::memcpy(out.data(), in.data(), out.size_bytes());
}

void encode(std::span<const float> in, std::span<std::byte> out) {
  if (!in.empty()) std::memcpy(out.data(), in.data(), in.size_bytes());
}

}  // namespace

const FormatInfo kF32{Format::kF32, "f32", FormatKind::kFloat, 1, 4, decode, encode};

}  // namespace tenwatt::formats
