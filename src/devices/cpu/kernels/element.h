// From an Element to the C++ type that stores it, inside kernel files. Internal linkage throughout,
// so nothing compiled for one level can be linked into another.
#pragma once

#include "devices/cpu/kernels/table.h"

namespace {

using tenwatt::cpu::Element;
using tenwatt::cpu::Elements;

/// A stored bool.
struct Truth {
  uint8_t byte;
};

template <class T>
struct Traits;
#define TENWATT_ELEMENT(type, low, high, is_float) \
  template <>                                      \
  struct Traits<type> {                            \
    static constexpr type kLow = low;              \
    static constexpr type kHigh = high;            \
    static constexpr bool kFloat = is_float;       \
  };
TENWATT_ELEMENT(float, -__builtin_inff(), __builtin_inff(), true)
TENWATT_ELEMENT(double, -__builtin_inf(), __builtin_inf(), true)
TENWATT_ELEMENT(int8_t, INT8_MIN, INT8_MAX, false)
TENWATT_ELEMENT(uint8_t, 0, UINT8_MAX, false)
TENWATT_ELEMENT(int16_t, INT16_MIN, INT16_MAX, false)
TENWATT_ELEMENT(uint16_t, 0, UINT16_MAX, false)
TENWATT_ELEMENT(int32_t, INT32_MIN, INT32_MAX, false)
TENWATT_ELEMENT(uint32_t, 0, UINT32_MAX, false)
TENWATT_ELEMENT(int64_t, INT64_MIN, INT64_MAX, false)
TENWATT_ELEMENT(uint64_t, 0, UINT64_MAX, false)
#undef TENWATT_ELEMENT

template <class T>
inline constexpr bool kIsFloat = Traits<T>::kFloat;

/// The type that wraps: arithmetic on T's bits without overflow that the language leaves undefined.
template <class T, bool kFloatingPoint = Traits<T>::kFloat>
struct Wrapping {
  typedef uint64_t Type;
};
template <class T>
struct Wrapping<T, true> {
  typedef T Type;
};
template <class T>
using Wrap = typename Wrapping<T>::Type;

/// Calls fn.operator()<T>() with the type of a number.
template <class Fn>
inline void with_number(Element type, Fn fn) {
  switch (type) {
    case Element::kF32:
      return fn.template operator()<float>();
    case Element::kF64:
      return fn.template operator()<double>();
    case Element::kI8:
      return fn.template operator()<int8_t>();
    case Element::kU8:
    case Element::kBool:
      return fn.template operator()<uint8_t>();
    case Element::kI16:
      return fn.template operator()<int16_t>();
    case Element::kU16:
      return fn.template operator()<uint16_t>();
    case Element::kI32:
      return fn.template operator()<int32_t>();
    case Element::kU32:
      return fn.template operator()<uint32_t>();
    case Element::kI64:
      return fn.template operator()<int64_t>();
    case Element::kU64:
      return fn.template operator()<uint64_t>();
  }
}

/// A real number as a stored T: rounded to a float, or truncated to the nearest value in range.
template <class T>
inline T saturated(double value) {
  if constexpr (kIsFloat<T>) {
    return static_cast<T>(value);
  } else {
    if (value != value) return 0;
    // The upper limit of 64-bit types rounds up to a double that no longer fits.
    if (value <= static_cast<double>(Traits<T>::kLow)) return Traits<T>::kLow;
    if (value >= static_cast<double>(Traits<T>::kHigh)) return Traits<T>::kHigh;
    return static_cast<T>(value);
  }
}

}  // namespace
