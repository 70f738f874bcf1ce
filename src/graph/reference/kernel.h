// What the reference kernels share: access to inputs and attributes with checks, dispatch from a
// number format to a C++ type, and one strided walk over an index space, which every broadcast and
// every movement of data is written with. Internal to this folder.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "graph/reference/reference.h"

namespace tenwatt::graph::reference {

using Inputs = std::span<const ReferenceInput>;
using Outputs = Result<std::vector<Tensor>>;
using Integers = std::vector<int64_t>;

/// One row of the registry.
struct Entry {
  std::string_view op;
  ReferenceKernel kernel;
};

std::span<const Entry> cast_kernels();
std::span<const Entry> control_kernels();
std::span<const Entry> conv_kernels();
std::span<const Entry> elementwise_kernels();
std::span<const Entry> index_kernels();
std::span<const Entry> matmul_kernels();
std::span<const Entry> move_kernels();
std::span<const Entry> norm_kernels();
std::span<const Entry> pad_kernels();
std::span<const Entry> pooling_kernels();
std::span<const Entry> quantised_product_kernels();
std::span<const Entry> quantize_kernels();
std::span<const Entry> random_kernels();
std::span<const Entry> recurrent_kernels();
std::span<const Entry> reduce_kernels();
std::span<const Entry> sequence_kernels();
std::span<const Entry> shape_kernels();
std::span<const Entry> unary_kernels();

// Inputs and attributes.

/// Input `index`, or an error that calls it `name`.
Result<const Tensor*> need(Inputs inputs, size_t index, std::string_view name);
/// Input `index`, or null where it is absent.
const Tensor* maybe(Inputs inputs, size_t index);
/// As `need`, of this format.
Result<const Tensor*> need_format(Inputs inputs, size_t index, std::string_view name,
                                  Format format);
/// The elements of an integer tensor.
Result<Integers> integers_of(const Tensor& tensor, std::string_view name);
/// The only element of an integer tensor.
Result<int64_t> integer_of(const Tensor& tensor, std::string_view name);
/// Integers that newer opsets give as input `index` and older ones as an attribute; empty if
/// neither is there.
Result<Integers> list_of(const Node& node, Inputs inputs, size_t index, std::string_view attribute);
/// An axis in [0, rank), counted from the end where it is negative.
Result<int64_t> axis_in(int64_t axis, int64_t rank);
/// Each of `axes` in [0, rank), each at most once, in the given order.
Result<Integers> axes_in(const Integers& axes, int64_t rank);
/// A format attribute: ONNX's number or our name; `fallback` where it is absent.
Result<Format> format_attribute(const Node& node, std::string_view key, Format fallback);

inline std::vector<Tensor> one(Tensor tensor) {
  std::vector<Tensor> outputs;
  outputs.push_back(std::move(tensor));
  return outputs;
}

std::unexpected<Error> invalid(std::string message);
std::unexpected<Error> wrong_format(std::string_view name, Format format);

// Types.

/// Numbers that C++ has no type for, by their bits; arithmetic happens in float.
struct Half {
  uint16_t bits;
  Half() = default;
  explicit Half(float value) : bits(f32_to_f16(value)) {}
  operator float() const { return f16_to_f32(bits); }  // NOLINT(google-explicit-constructor)
};
struct Brain {
  uint16_t bits;
  Brain() = default;
  explicit Brain(float value) : bits(f32_to_bf16(value)) {}
  operator float() const { return bf16_to_f32(bits); }  // NOLINT(google-explicit-constructor)
};
/// A stored bool: any byte but 0 is true.
struct Truth {
  uint8_t byte;
  Truth() = default;
  explicit Truth(bool value) : byte(value) {}
  operator bool() const { return byte != 0; }  // NOLINT(google-explicit-constructor)
};

template <class T>
inline constexpr bool kIsSmallFloat = std::is_same_v<T, Half> || std::is_same_v<T, Brain>;
template <class T>
inline constexpr bool kIsFloat = kIsSmallFloat<T> || std::is_floating_point_v<T>;

/// The type that arithmetic on stored T happens in.
template <class T>
using Work = std::conditional_t<kIsSmallFloat<T>, float,
                                std::conditional_t<std::is_same_v<T, Truth>, bool, T>>;
/// The type that sums over stored T are accumulated in: double, or 64-bit integers that wrap.
template <class T>
using Sum = std::conditional_t<kIsFloat<T>, double, uint64_t>;

/// A sum as a stored T.
template <class T>
T narrow(Sum<T> sum) {
  if constexpr (kIsSmallFloat<T>) {
    return T(static_cast<float>(sum));
  } else {
    return static_cast<T>(sum);
  }
}

/// A double as a stored T: rounded to a float, or truncated to the nearest integer in range (NaN
/// is 0).
template <class T>
T saturated(double value) {
  if constexpr (kIsSmallFloat<T>) {
    return T(static_cast<float>(value));
  } else if constexpr (std::is_same_v<T, Truth>) {
    return Truth(value != 0);
  } else if constexpr (std::is_floating_point_v<T>) {
    return static_cast<T>(value);
  } else {
    if (value != value) return 0;
    // The upper limit of 64-bit types rounds up to a double that no longer fits.
    if (value <= static_cast<double>(std::numeric_limits<T>::min()))
      return std::numeric_limits<T>::min();
    if (value >= static_cast<double>(std::numeric_limits<T>::max()))
      return std::numeric_limits<T>::max();
    return static_cast<T>(value);
  }
}

/// The elements of a number tensor as doubles.
Result<std::vector<double>> doubles_of(const Tensor& tensor, std::string_view name);

/// Calls `fn.operator()<T>()` with the C++ type that a float format is stored in.
template <class Fn>
auto with_float(Format format, std::string_view name, Fn&& fn)
    -> decltype(fn.template operator()<float>()) {
  switch (format) {
    case Format::kF32:
      return fn.template operator()<float>();
    case Format::kF64:
      return fn.template operator()<double>();
    case Format::kF16:
      return fn.template operator()<Half>();
    case Format::kBF16:
      return fn.template operator()<Brain>();
    default:
      return wrong_format(name, format);
  }
}

/// As with_float, for integer formats.
template <class Fn>
auto with_integer(Format format, std::string_view name, Fn&& fn)
    -> decltype(fn.template operator()<int64_t>()) {
  switch (format) {
    case Format::kI8:
      return fn.template operator()<int8_t>();
    case Format::kU8:
      return fn.template operator()<uint8_t>();
    case Format::kI16:
      return fn.template operator()<int16_t>();
    case Format::kU16:
      return fn.template operator()<uint16_t>();
    case Format::kI32:
      return fn.template operator()<int32_t>();
    case Format::kU32:
      return fn.template operator()<uint32_t>();
    case Format::kI64:
      return fn.template operator()<int64_t>();
    case Format::kU64:
      return fn.template operator()<uint64_t>();
    default:
      return wrong_format(name, format);
  }
}

/// As with_float, for integer and float formats.
template <class Fn>
auto with_number(Format format, std::string_view name, Fn&& fn)
    -> decltype(fn.template operator()<float>()) {
  if (info(format).kind == FormatKind::kFloat) return with_float(format, name, fn);
  return with_integer(format, name, fn);
}

/// As with_number, with bool too.
template <class Fn>
auto with_scalar(Format format, std::string_view name, Fn&& fn)
    -> decltype(fn.template operator()<float>()) {
  if (format == Format::kBool) return fn.template operator()<Truth>();
  return with_number(format, name, fn);
}

// Index spaces.

/// Row-major strides in elements.
Integers strides_of(std::span<const int64_t> shape);
/// Strides of a tensor of shape `from` read at the indices of the shape `to` that it broadcasts
/// to: 0 along repeated axes.
Integers broadcast_strides(std::span<const int64_t> from, std::span<const int64_t> to);
/// The shape that two shapes broadcast to.
Result<Shape> broadcast(std::span<const int64_t> a, std::span<const int64_t> b);
/// The product of extents [begin, end).
int64_t extent_product(std::span<const int64_t> shape, int64_t begin, int64_t end);

/// An index space, and where N arrays keep the element of each index: offset = sum(index*stride).
template <size_t N>
struct Walk {
  Integers extents;
  std::array<Integers, N> strides;
};

/// Drops axes of one element and merges neighbours that every array keeps contiguous.
template <size_t N>
Walk<N> merged(const Walk<N>& walk) {
  Walk<N> to;
  for (size_t axis = 0; axis < walk.extents.size(); ++axis) {
    int64_t extent = walk.extents[axis];
    if (extent == 1) continue;
    bool joins = !to.extents.empty();
    for (size_t n = 0; n < N && joins; ++n) {
      joins = to.strides[n].back() == walk.strides[n][axis] * extent;
    }
    if (joins) {
      to.extents.back() *= extent;
    } else {
      to.extents.push_back(extent);
    }
    for (size_t n = 0; n < N; ++n) {
      if (!joins) to.strides[n].push_back(0);
      to.strides[n].back() = walk.strides[n][axis];
    }
  }
  return to;
}

/// Calls row(offsets, steps, count) for every run of the innermost axis, in row-major order.
template <size_t N, class Row>
void walk_rows(const Walk<N>& space, Row&& row) {
  if (std::ranges::find(space.extents, 0) != space.extents.end()) return;
  Walk<N> walk = merged(space);
  std::array<int64_t, N> offsets{};
  std::array<int64_t, N> steps{};
  int64_t count = 1;
  if (!walk.extents.empty()) {
    count = walk.extents.back();
    for (size_t n = 0; n < N; ++n) steps[n] = walk.strides[n].back();
    walk.extents.pop_back();
  }
  Integers index(walk.extents.size(), 0);
  while (true) {
    row(offsets, steps, count);
    size_t axis = index.size();
    for (; axis > 0; --axis) {
      size_t a = axis - 1;
      for (size_t n = 0; n < N; ++n) offsets[n] += walk.strides[n][a];
      if (++index[a] < walk.extents[a]) break;
      for (size_t n = 0; n < N; ++n) offsets[n] -= walk.strides[n][a] * walk.extents[a];
      index[a] = 0;
    }
    if (axis == 0) return;
  }
}

/// Bytes of one element; an error for block formats, whose elements can't be moved one by one.
Result<size_t> element_bytes(const Tensor& tensor);
/// Copies one element per index; the walk's arrays are {to, from}, based at the given pointers.
void copy_elements(const Walk<2>& space, size_t bytes, std::byte* to, const std::byte* from);

}  // namespace tenwatt::graph::reference
