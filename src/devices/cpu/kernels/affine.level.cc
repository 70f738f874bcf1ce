// Between integers and floats by scale and zero point: real = (stored - zero) * scale, stored =
// saturate(round(real / scale) + zero), rounding to nearest even. Elements are independent; the
// last ones of a span are computed in a vector of their own.
#include "devices/cpu/kernels/level.h"
#include "devices/cpu/simd/simd.h"

namespace tenwatt::cpu::TENWATT_LEVEL {
namespace {

TENWATT_INLINE I load_ints(const int32_t* p) {
  I v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}

template <class T>
struct Limits;
template <>
struct Limits<int8_t> {
  static constexpr float kLow = -128, kHigh = 127;
};
template <>
struct Limits<uint8_t> {
  static constexpr float kLow = 0, kHigh = 255;
};
template <>
struct Limits<int16_t> {
  static constexpr float kLow = -32768, kHigh = 32767;
};
template <>
struct Limits<uint16_t> {
  static constexpr float kLow = 0, kHigh = 65535;
};

template <class T>
TENWATT_INLINE void quantise_vector(F x, F scale, F zero, T* y) {
  F code = round(x / scale) + zero;
  code = choose(code == code, code, F{});
  const I whole = to_int(min(max(code, set1(Limits<T>::kLow)), set1(Limits<T>::kHigh)));
  typedef T Few __attribute__((vector_size(W * sizeof(T))));
  const Few few = __builtin_convertvector(whole, Few);
  __builtin_memcpy(y, &few, sizeof few);
}

template <class T>
void quantise_as(const float* x, int64_t n, const float* scale, const float* zero, Grain grain,
                 T* y) {
  const bool each = grain == Grain::kElement;
  F step = set1(*scale);
  F shift = set1(*zero);
  int64_t i = 0;
  for (; i + W <= n; i += W) {
    if (each) {
      step = load(scale + i);
      shift = load(zero + i);
    }
    quantise_vector(load(x + i), step, shift, y + i);
  }
  if (i == n) return;
  if (each) {
    // Lanes past the end divide by one.
    step = choose(lanes_in(0, n - i), load_part(scale + i, n - i), set1(1.0f));
    shift = load_part(zero + i, n - i);
  }
  T last[W];
  quantise_vector(load_part(x + i, n - i), step, shift, last);
  for (int64_t j = 0; i + j < n; ++j) y[i + j] = last[j];
}

template <class T>
TENWATT_INLINE I widened(const T* x) {
  typedef T Few __attribute__((vector_size(W * sizeof(T))));
  Few few;
  __builtin_memcpy(&few, x, sizeof few);
  return __builtin_convertvector(few, I);
}

template <class T>
void dequantise_as(const T* x, int64_t n, const float* scale, const int32_t* zero, Grain grain,
                   float* y) {
  const bool each = grain == Grain::kElement;
  F step = set1(*scale);
  I shift = set1(*zero);
  int64_t i = 0;
  for (; i + W <= n; i += W) {
    if (each) {
      step = load(scale + i);
      shift = load_ints(zero + i);
    }
    store(y + i, to_float(widened(x + i) - shift) * step);
  }
  for (; i < n; ++i) {
    const int64_t at = each ? i : 0;
    y[i] = static_cast<float>(static_cast<int32_t>(x[i]) - zero[at]) * scale[at];
  }
}

}  // namespace

void scale_sums(const int32_t* sums, int64_t n, const float* scale, const float* bias, float* y) {
  int64_t i = 0;
  for (; i + W <= n; i += W) {
    const F real = to_float(load_ints(sums + i));
    store(y + i, bias ? fma(real, load(scale + i), load(bias + i)) : real * load(scale + i));
  }
  if (i == n) return;
  // `sums` and `scale` hold whole panels, `bias` and y don't.
  const F real = to_float(load_ints(sums + i));
  const F result =
      bias ? fma(real, load(scale + i), load_part(bias + i, n - i)) : real * load(scale + i);
  store_part(y + i, result, n - i);
}

void quantise(const float* x, int64_t n, const float* scale, const float* zero, Grain grain,
              Stored type, void* y) {
  switch (type) {
    case Stored::kI8:
      return quantise_as(x, n, scale, zero, grain, static_cast<int8_t*>(y));
    case Stored::kU8:
      return quantise_as(x, n, scale, zero, grain, static_cast<uint8_t*>(y));
    case Stored::kI16:
      return quantise_as(x, n, scale, zero, grain, static_cast<int16_t*>(y));
    case Stored::kU16:
      return quantise_as(x, n, scale, zero, grain, static_cast<uint16_t*>(y));
    case Stored::kI32:
      return;
  }
}

void dequantise(Stored type, const void* x, int64_t n, const float* scale, const int32_t* zero,
                Grain grain, float* y) {
  switch (type) {
    case Stored::kI8:
      return dequantise_as(static_cast<const int8_t*>(x), n, scale, zero, grain, y);
    case Stored::kU8:
      return dequantise_as(static_cast<const uint8_t*>(x), n, scale, zero, grain, y);
    case Stored::kI16:
      return dequantise_as(static_cast<const int16_t*>(x), n, scale, zero, grain, y);
    case Stored::kU16:
      return dequantise_as(static_cast<const uint16_t*>(x), n, scale, zero, grain, y);
    case Stored::kI32:
      return dequantise_as(static_cast<const int32_t*>(x), n, scale, zero, grain, y);
  }
}

}  // namespace tenwatt::cpu::TENWATT_LEVEL
