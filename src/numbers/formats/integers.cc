// The eight integer formats. Decoding gives the nearest f32; encoding rounds to nearest even and
// saturates, and NaN becomes 0.
#include <cmath>
#include <limits>

#include "numbers/formats/load.h"
#include "numbers/formats/rows.h"

namespace tenwatt::formats {
namespace {

template <class T>
T rounded(float value) {
  if (std::isnan(value)) return 0;
  const double nearest = std::nearbyint(static_cast<double>(value));
  // The upper bound itself may not be a double (2^63 - 1), one past it always is.
  const double past = std::ldexp(1.0, std::numeric_limits<T>::digits);
  if (nearest >= past) return std::numeric_limits<T>::max();
  if (nearest <= static_cast<double>(std::numeric_limits<T>::min())) {
    return std::numeric_limits<T>::min();
  }
  return static_cast<T>(nearest);
}

template <class T>
void decode(std::span<const std::byte> in, std::span<float> out) {
  for (size_t i = 0; i < out.size(); ++i) {
    out[i] = static_cast<float>(load<T>(&in[sizeof(T) * i]));
  }
}

template <class T>
void encode(std::span<const float> in, std::span<std::byte> out) {
  for (size_t i = 0; i < in.size(); ++i) store(&out[sizeof(T) * i], rounded<T>(in[i]));
}

template <class T>
constexpr FormatInfo row(Format format, std::string_view name) {
  return {format, name, FormatKind::kInteger, 1, sizeof(T), decode<T>, encode<T>};
}

}  // namespace

const FormatInfo kI8 = row<int8_t>(Format::kI8, "i8");
const FormatInfo kU8 = row<uint8_t>(Format::kU8, "u8");
const FormatInfo kI16 = row<int16_t>(Format::kI16, "i16");
const FormatInfo kU16 = row<uint16_t>(Format::kU16, "u16");
const FormatInfo kI32 = row<int32_t>(Format::kI32, "i32");
const FormatInfo kU32 = row<uint32_t>(Format::kU32, "u32");
const FormatInfo kI64 = row<int64_t>(Format::kI64, "i64");
const FormatInfo kU64 = row<uint64_t>(Format::kU64, "u64");

}  // namespace tenwatt::formats
