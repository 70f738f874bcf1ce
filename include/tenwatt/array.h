// What goes into a network and comes out: a dense array in memory, its element type known by name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tenwatt/result.h"

namespace tenwatt {

/// A dense array, last axis fastest, elements in the machine's byte order.
struct Array {
  /// f32, f64, f16, bf16, i8, i16, i32, i64, u8, u16, u32, u64 or bool (one byte, 0 or 1).
  std::string type = "f32";
  std::vector<int64_t> shape;    ///< empty: a scalar
  std::vector<std::byte> bytes;  ///< the product of `shape` times the element's size
};

namespace detail {
/// The name of a C++ type; f16 and bf16 have none and are reached through `Array::bytes`.
template <class T>
inline constexpr std::string_view element_name = {};
template <>
inline constexpr std::string_view element_name<float> = "f32";
template <>
inline constexpr std::string_view element_name<double> = "f64";
template <>
inline constexpr std::string_view element_name<int8_t> = "i8";
template <>
inline constexpr std::string_view element_name<int16_t> = "i16";
template <>
inline constexpr std::string_view element_name<int32_t> = "i32";
template <>
inline constexpr std::string_view element_name<int64_t> = "i64";
template <>
inline constexpr std::string_view element_name<uint8_t> = "u8";
template <>
inline constexpr std::string_view element_name<uint16_t> = "u16";
template <>
inline constexpr std::string_view element_name<uint32_t> = "u32";
template <>
inline constexpr std::string_view element_name<uint64_t> = "u64";
template <>
inline constexpr std::string_view element_name<bool> = "bool";
}  // namespace detail

/// An array that holds a copy of `values`. kInvalidArgument if the shape has another number of
/// elements.
template <class T>
Result<Array> make_array(std::vector<int64_t> shape, std::span<const T> values) {
  static_assert(!detail::element_name<T>.empty(), "no array has elements of this type");
  int64_t elements = 1;
  for (const int64_t extent : shape) {
    const bool fits = extent >= 0 && (extent == 0 || elements <= INT64_MAX / extent);
    elements = fits ? elements * extent : -1;
    if (!fits) break;
  }
  if (elements != static_cast<int64_t>(values.size())) {
    return fail(ErrorCode::kInvalidArgument,
                std::to_string(values.size()) + " values don't fill the array's shape");
  }
  const auto bytes = std::as_bytes(values);
  return Array{
      std::string(detail::element_name<T>), std::move(shape), {bytes.begin(), bytes.end()}};
}

/// The elements of an array, borrowed from it. kInvalidArgument if they are of another type.
template <class T>
Result<std::span<const T>> array_values(const Array& array) {
  static_assert(!detail::element_name<T>.empty(), "no array has elements of this type");
  if (array.type != detail::element_name<T> || array.bytes.size() % sizeof(T) != 0) {
    return fail(ErrorCode::kInvalidArgument,
                "the array holds " + array.type + ", not " + std::string(detail::element_name<T>));
  }
  return std::span(reinterpret_cast<const T*>(array.bytes.data()), array.bytes.size() / sizeof(T));
}

/// A file of NumPy's format. kUnsupported for element types that no array has.
Result<Array> read_npy(const std::string& path);
/// Writes or replaces the file.
Status write_npy(const std::string& path, const Array& array);

}  // namespace tenwatt
