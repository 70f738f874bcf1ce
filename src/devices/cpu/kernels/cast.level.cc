// Conversions between the scalar formats.
#include "devices/cpu/kernels/element.h"
#include "devices/cpu/kernels/level.h"

namespace tenwatt::cpu::TENWATT_LEVEL {
namespace {

template <class From, class To>
void convert_as(const void* x, void* y, int64_t n) {
  const From* from = static_cast<const From*>(x);
  To* to = static_cast<To*>(y);
  for (int64_t i = 0; i < n; ++i) {
    if constexpr (kIsFloat<From> && !kIsFloat<To>) {
      to[i] = saturated<To>(static_cast<double>(from[i]));
    } else {
      to[i] = static_cast<To>(from[i]);
    }
  }
}

template <class From>
void from_type(const void* x, Element to, void* y, int64_t n) {
  if (to == Element::kBool) {
    const From* from = static_cast<const From*>(x);
    uint8_t* truth = static_cast<uint8_t*>(y);
    for (int64_t i = 0; i < n; ++i) truth[i] = from[i] != 0;
    return;
  }
  with_number(to, [=]<class To>() { convert_as<From, To>(x, y, n); });
}

template <class To>
void from_bool(const void* x, void* y, int64_t n) {
  const uint8_t* from = static_cast<const uint8_t*>(x);
  To* to = static_cast<To*>(y);
  for (int64_t i = 0; i < n; ++i) to[i] = static_cast<To>(from[i] != 0);
}

}  // namespace

void convert(Element from, const void* x, Element to, void* y, int64_t n) {
  if (from == Element::kBool) {
    with_number(to, [=]<class To>() { from_bool<To>(x, y, n); });
    return;
  }
  with_number(from, [=]<class From>() { from_type<From>(x, to, y, n); });
}

}  // namespace tenwatt::cpu::TENWATT_LEVEL
