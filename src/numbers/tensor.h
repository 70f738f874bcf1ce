// Tensors: a shape, a number format and contiguous bytes (row-major, last axis fastest).
//
// A Tensor shares ownership of its bytes, whether they are its own memory or part of a mapped
// file; copying a Tensor copies the handle. A TensorView borrows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "base/result.h"
#include "numbers/format.h"

namespace tenwatt {

/// Concrete extents, outermost first; empty for a scalar.
using Shape = std::vector<int64_t>;

/// The product of the extents (1 for a scalar). Extents must already be checked.
int64_t elements(std::span<const int64_t> shape);
/// The product of the extents, or an error on a negative extent or overflow.
Result<int64_t> checked_elements(std::span<const int64_t> shape);
/// "[1, 80, 3000]".
std::string to_string(std::span<const int64_t> shape);

/// The Format that stores C++ type T.
template <class T>
constexpr Format format_of() {
  if constexpr (std::is_same_v<T, float>)
    return Format::kF32;
  else if constexpr (std::is_same_v<T, double>)
    return Format::kF64;
  else if constexpr (std::is_same_v<T, int8_t>)
    return Format::kI8;
  else if constexpr (std::is_same_v<T, uint8_t>)
    return Format::kU8;
  else if constexpr (std::is_same_v<T, int16_t>)
    return Format::kI16;
  else if constexpr (std::is_same_v<T, uint16_t>)
    return Format::kU16;
  else if constexpr (std::is_same_v<T, int32_t>)
    return Format::kI32;
  else if constexpr (std::is_same_v<T, uint32_t>)
    return Format::kU32;
  else if constexpr (std::is_same_v<T, int64_t>)
    return Format::kI64;
  else if constexpr (std::is_same_v<T, uint64_t>)
    return Format::kU64;
  else if constexpr (std::is_same_v<T, bool>)
    return Format::kBool;
  else
    static_assert(sizeof(T) == 0, "no number format stores this type");
}

class Tensor {
 public:
  Tensor() = default;
  /// Zeroed memory of its own.
  static Result<Tensor> create(Format format, Shape shape);
  /// Bytes owned by somebody else (`owner` is kept alive); `bytes` must be exactly the size.
  static Result<Tensor> wrap(Format format, Shape shape, std::span<const std::byte> bytes,
                             std::shared_ptr<const void> owner);
  /// A tensor with these values; the shape must hold exactly that many.
  template <class T>
  static Tensor of(std::span<const T> values, Shape shape) {
    Tensor tensor = create(format_of<T>(), std::move(shape)).value();
    std::span<T> to = tensor.mutable_values<T>();
    for (size_t i = 0; i < to.size() && i < values.size(); ++i) to[i] = values[i];
    return tensor;
  }
  template <class T>
  static Tensor of(std::initializer_list<T> values, Shape shape) {
    return of(std::span<const T>(values.begin(), values.size()), std::move(shape));
  }
  template <class T>
  static Tensor scalar(T value) {
    return of(std::span<const T>(&value, 1), {});
  }

  bool defined() const { return data_ != nullptr || size_ == 0; }
  Format format() const { return format_; }
  const Shape& shape() const { return shape_; }
  int64_t rank() const { return static_cast<int64_t>(shape_.size()); }
  int64_t count() const { return elements(shape_); }

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  /// Only for tensors made by create/of and not yet shared with readers on other threads.
  std::span<std::byte> mutable_bytes() { return {const_cast<std::byte*>(data_), size_}; }

  /// The elements as T, which must be the type that the format stores.
  template <class T>
  std::span<const T> values() const {
    return {reinterpret_cast<const T*>(data_), size_ / sizeof(T)};
  }
  template <class T>
  std::span<T> mutable_values() {
    return {reinterpret_cast<T*>(const_cast<std::byte*>(data_)), size_ / sizeof(T)};
  }

  /// The same bytes under another shape of equal element count.
  Result<Tensor> reshaped(Shape shape) const;
  /// Decoded to f32 (a copy, unless it is f32 already).
  Result<Tensor> to_f32() const;
  /// A copy with memory of its own.
  Tensor clone() const;
  /// Who keeps the bytes alive (a MappedFile for file tensors).
  const std::shared_ptr<const void>& owner() const { return owner_; }

 private:
  Format format_ = Format::kF32;
  Shape shape_;
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
  std::shared_ptr<const void> owner_;
};

}  // namespace tenwatt
