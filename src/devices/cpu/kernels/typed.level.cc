// Elementwise operators on every scalar format: integers, f64, and f32 where operands have strides
// that the vector kernels of elementwise.level.cc don't take. Plain loops for the compiler to
// vectorise.
#include "devices/cpu/kernels/element.h"
#include "devices/cpu/kernels/level.h"

namespace tenwatt::cpu::TENWATT_LEVEL {
namespace {

// y[i] = op(a[i], b[i]); unit steps have a loop of their own.
template <class T, class Y, class Op>
void map(Elements left, Elements right, Y* y, int64_t n, Op op) {
  const T* a = static_cast<const T*>(left.data);
  const T* b = static_cast<const T*>(right.data);
  if (left.step == 1 && right.step == 1) {
    for (int64_t i = 0; i < n; ++i) y[i] = op(a[i], b[i]);
    return;
  }
  for (int64_t i = 0; i < n; ++i) y[i] = op(a[i * left.step], b[i * right.step]);
}

template <class T, class Op>
void map_unary(const void* x, void* y, int64_t n, Op op) {
  const T* from = static_cast<const T*>(x);
  T* to = static_cast<T*>(y);
  for (int64_t i = 0; i < n; ++i) to[i] = op(from[i]);
}

template <class T>
T wrapped(Wrap<T> value) {
  return static_cast<T>(value);
}

template <class T>
T divide(T a, T b) {
  if constexpr (!kIsFloat<T>) {
    if (b == 0) return 0;
    if constexpr (Traits<T>::kLow < 0) {
      if (b == -1) return wrapped<T>(0 - static_cast<Wrap<T>>(a));  // the lowest has no negative
    }
  }
  return static_cast<T>(a / b);
}

template <class T>
T modulo(T a, T b) {
  if constexpr (kIsFloat<T>) {
    return static_cast<T>(__builtin_fmod(a, b));
  } else {
    if (b == 0) return 0;
    if constexpr (Traits<T>::kLow < 0) {
      if (b == -1) return 0;
    }
    return static_cast<T>(a % b);
  }
}

// base^exponent, wrapping, by repeated squaring.
template <class T>
T whole_power(T base, uint64_t exponent) {
  uint64_t result = 1;
  for (uint64_t square = static_cast<uint64_t>(base); exponent != 0; exponent >>= 1) {
    if ((exponent & 1) != 0) result *= square;
    square *= square;
  }
  return static_cast<T>(result);
}

template <class T>
T power(T base, double exponent) {
  if constexpr (!kIsFloat<T>) {
    if (exponent >= 0 && exponent < 0x1p53 && exponent == __builtin_floor(exponent)) {
      return whole_power(base, static_cast<uint64_t>(exponent));
    }
  }
  return saturated<T>(__builtin_pow(static_cast<double>(base), exponent));
}

template <class T>
void combine(Binary op, Elements a, Elements b, T* y, int64_t n) {
  using W = Wrap<T>;
  switch (op) {
    case Binary::kAdd:
      return map<T>(a, b, y, n, [](T l, T r) { return wrapped<T>(W(l) + W(r)); });
    case Binary::kSub:
      return map<T>(a, b, y, n, [](T l, T r) { return wrapped<T>(W(l) - W(r)); });
    case Binary::kMul:
      return map<T>(a, b, y, n, [](T l, T r) { return wrapped<T>(W(l) * W(r)); });
    case Binary::kDiv:
      return map<T>(a, b, y, n, [](T l, T r) { return divide(l, r); });
    case Binary::kMod:
      return map<T>(a, b, y, n, [](T l, T r) { return modulo(l, r); });
    case Binary::kMin:  // NaN if either is
      return map<T>(a, b, y, n, [](T l, T r) { return l != l || l < r ? l : r; });
    case Binary::kMax:
      return map<T>(a, b, y, n, [](T l, T r) { return l != l || l > r ? l : r; });
    case Binary::kPow:
      return map<T>(a, b, y, n, [](T l, T r) { return power(l, static_cast<double>(r)); });
  }
}

// Functions of the reals, in double.
double real(Unary op, double x, double alpha, double beta) {
  switch (op) {
    case Unary::kCeil:
      return __builtin_ceil(x);
    case Unary::kCos:
      return __builtin_cos(x);
    case Unary::kErf:
      return __builtin_erf(x);
    case Unary::kElu:
      return x > 0 ? x : alpha * __builtin_expm1(x);
    case Unary::kExp:
      return __builtin_exp(x);
    case Unary::kFloor:
      return __builtin_floor(x);
    case Unary::kGeluErf:
      return 0.5 * x * (1 + __builtin_erf(x * 0.70710678118654752440));
    case Unary::kGeluTanh:
      return 0.5 * x * (1 + __builtin_tanh(0.79788456080286535588 * (x + 0.044715 * x * x * x)));
    case Unary::kHardSigmoid:
      return __builtin_fmin(__builtin_fmax(alpha * x + beta, 0), 1);
    case Unary::kLeakyRelu:
      return x < 0 ? alpha * x : x;
    case Unary::kLinear:
      return alpha * x + beta;
    case Unary::kLog:
      return __builtin_log(x);
    case Unary::kReciprocal:
      return 1 / x;
    case Unary::kRound:
      return __builtin_nearbyint(x);
    case Unary::kRsqrt:
      return 1 / __builtin_sqrt(x);
    case Unary::kSigmoid:
      return 1 / (1 + __builtin_exp(-x));
    case Unary::kSilu:
      return x / (1 + __builtin_exp(-x));
    case Unary::kSin:
      return __builtin_sin(x);
    case Unary::kSoftplus:
      return x > 0 ? x + __builtin_log1p(__builtin_exp(-x)) : __builtin_log1p(__builtin_exp(x));
    case Unary::kSqrt:
      return __builtin_sqrt(x);
    case Unary::kTanh:
      return __builtin_tanh(x);
    default:
      return x;
  }
}

template <class T>
void apply(Unary op, const void* x, void* y, int64_t n, double alpha, double beta) {
  switch (op) {
    case Unary::kAbs:
      return map_unary<T>(x, y, n, [](T v) {
        if constexpr (kIsFloat<T>) return static_cast<T>(__builtin_fabs(v));
        return v < 0 ? wrapped<T>(0 - static_cast<Wrap<T>>(v)) : v;
      });
    case Unary::kNeg:
      return map_unary<T>(x, y, n, [](T v) {
        if constexpr (kIsFloat<T>) return -v;
        return wrapped<T>(0 - static_cast<Wrap<T>>(v));
      });
    case Unary::kRelu:
      return map_unary<T>(x, y, n, [](T v) { return v < 0 ? T(0) : v; });
    case Unary::kSign:
      return map_unary<T>(x, y, n, [](T v) { return v > 0 ? T(1) : v < 0 ? T(-1) : v; });
    case Unary::kSquare:
      return map_unary<T>(x, y, n, [](T v) { return wrapped<T>(Wrap<T>(v) * Wrap<T>(v)); });
    default:
      return map_unary<T>(x, y, n, [=](T v) {
        return saturated<T>(real(op, static_cast<double>(v), alpha, beta));
      });
  }
}

template <class T>
void compare_as(Compare op, Elements a, Elements b, uint8_t* y, int64_t n) {
  switch (op) {
    case Compare::kEqual:
      return map<T>(a, b, y, n, [](T l, T r) -> uint8_t { return l == r; });
    case Compare::kLess:
      return map<T>(a, b, y, n, [](T l, T r) -> uint8_t { return l < r; });
    case Compare::kLessOrEqual:
      return map<T>(a, b, y, n, [](T l, T r) -> uint8_t { return l <= r; });
    case Compare::kGreater:
      return map<T>(a, b, y, n, [](T l, T r) -> uint8_t { return l > r; });
    case Compare::kGreaterOrEqual:
      return map<T>(a, b, y, n, [](T l, T r) -> uint8_t { return l >= r; });
  }
}

}  // namespace

void unary_any(Unary op, Element type, const void* x, void* y, int64_t n, double alpha,
               double beta) {
  with_number(type, [=]<class T>() { apply<T>(op, x, y, n, alpha, beta); });
}

void binary_any(Binary op, Element type, Elements a, Elements b, void* y, int64_t n) {
  with_number(type, [=]<class T>() { combine<T>(op, a, b, static_cast<T*>(y), n); });
}

void compare_any(Compare op, Element type, Elements a, Elements b, uint8_t* y, int64_t n) {
  if (type == Element::kBool) {
    // Bools are equal where both are 0 or neither is.
    return map<uint8_t>(a, b, y, n, [](uint8_t l, uint8_t r) -> uint8_t { return !l == !r; });
  }
  with_number(type, [=]<class T>() { compare_as<T>(op, a, b, y, n); });
}

void logic(Logic op, Elements a, Elements b, uint8_t* y, int64_t n) {
  using B = uint8_t;
  switch (op) {
    case Logic::kAnd:
      return map<B>(a, b, y, n, [](B l, B r) -> B { return (l != 0) & (r != 0); });
    case Logic::kOr:
      return map<B>(a, b, y, n, [](B l, B r) -> B { return (l | r) != 0; });
    case Logic::kXor:
      return map<B>(a, b, y, n, [](B l, B r) -> B { return (l != 0) != (r != 0); });
  }
}

void power_any(Element type, Elements a, Elements b, void* y, int64_t n) {
  const double* exponent = static_cast<const double*>(b.data);
  with_number(type, [=]<class T>() {
    const T* base = static_cast<const T*>(a.data);
    T* to = static_cast<T*>(y);
    for (int64_t i = 0; i < n; ++i) to[i] = power(base[i * a.step], exponent[i * b.step]);
  });
}

void blend(Element type, void* y, int64_t n, float alpha, float beta, Elements c) {
  with_number(type, [=]<class T>() {
    const T* add = static_cast<const T*>(c.data);
    T* to = static_cast<T*>(y);
    // Whole factors of 1, the usual ones, keep integers exact.
    if (alpha == 1 && beta == 1) {
      for (int64_t i = 0; i < n; ++i) to[i] = wrapped<T>(Wrap<T>(to[i]) + Wrap<T>(add[i * c.step]));
      return;
    }
    for (int64_t i = 0; i < n; ++i) {
      if constexpr (kIsFloat<T>) {
        to[i] = static_cast<T>(alpha) * to[i] + static_cast<T>(beta) * add[i * c.step];
      } else {
        to[i] = saturated<T>(static_cast<double>(alpha) * static_cast<double>(to[i]) +
                             static_cast<double>(beta) * static_cast<double>(add[i * c.step]));
      }
    }
  });
}

}  // namespace tenwatt::cpu::TENWATT_LEVEL
