// Reductions and running sums over every scalar format (f32 rows have vector kernels in
// rows.level.cc), and the rows of softmax and normalisation in f64. Sums go in ascending order.
#include "devices/cpu/kernels/element.h"
#include "devices/cpu/kernels/level.h"

namespace tenwatt::cpu::TENWATT_LEVEL {
namespace {

template <class T>
T sum_of(const T* x, int64_t n) {
  Wrap<T> sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += static_cast<Wrap<T>>(x[i]);
  return static_cast<T>(sum);
}

template <class T>
T mean_of(const T* x, int64_t n) {
  if constexpr (kIsFloat<T>) {
    return sum_of(x, n) / static_cast<T>(n);
  } else {
    if (n == 0) return 0;
    uint64_t sum = 0;
    for (int64_t i = 0; i < n; ++i) sum += static_cast<uint64_t>(x[i]);
    if constexpr (Traits<T>::kLow < 0) {
      return static_cast<T>(static_cast<int64_t>(sum) / n);
    } else {
      return static_cast<T>(sum / static_cast<uint64_t>(n));
    }
  }
}

// The best by `better`; NaN wins and stays.
template <class T, class Better>
T best_of(const T* x, int64_t n, T none, Better better) {
  T best = none;
  for (int64_t i = 0; i < n; ++i) best = better(x[i], best) || x[i] != x[i] ? x[i] : best;
  return best;
}

template <class T>
T folded(Reduce op, const T* x, int64_t n) {
  switch (op) {
    case Reduce::kSum:
      return sum_of(x, n);
    case Reduce::kMean:
      return mean_of(x, n);
    case Reduce::kMax:
      return best_of(x, n, Traits<T>::kLow, [](T a, T b) { return a > b; });
    case Reduce::kMin:
      return best_of(x, n, Traits<T>::kHigh, [](T a, T b) { return a < b; });
    case Reduce::kSumSquares: {
      Wrap<T> sum = 0;
      for (int64_t i = 0; i < n; ++i)
        sum += static_cast<Wrap<T>>(x[i]) * static_cast<Wrap<T>>(x[i]);
      return static_cast<T>(sum);
    }
    case Reduce::kProduct: {
      Wrap<T> product = 1;
      for (int64_t i = 0; i < n; ++i) product *= static_cast<Wrap<T>>(x[i]);
      return static_cast<T>(product);
    }
  }
  return T(0);
}

template <class T>
void running_sum(Cumulate kind, const T* x, T* y, int64_t n, ptrdiff_t step) {
  const bool reverse = kind == Cumulate::kReverse || kind == Cumulate::kReverseExclusive;
  const bool exclusive = kind == Cumulate::kForwardExclusive || kind == Cumulate::kReverseExclusive;
  Wrap<T> sum = 0;
  for (int64_t i = 0; i < n; ++i) {
    const int64_t at = (reverse ? n - 1 - i : i) * step;
    const Wrap<T> value = static_cast<Wrap<T>>(x[at]);
    y[at] = static_cast<T>(exclusive ? sum : sum + value);
    sum += value;
  }
}

}  // namespace

void reduce_any(Reduce op, Element type, const void* x, int64_t n, void* y) {
  if (type == Element::kBool) {
    // The largest bool says whether any is set, the smallest whether all are.
    const uint8_t* from = static_cast<const uint8_t*>(x);
    uint8_t any = 0;
    uint8_t all = 1;
    for (int64_t i = 0; i < n; ++i) {
      any |= from[i] != 0;
      all &= from[i] != 0;
    }
    *static_cast<uint8_t*>(y) = op == Reduce::kMax ? any : all;
    return;
  }
  with_number(type,
              [=]<class T>() { *static_cast<T*>(y) = folded(op, static_cast<const T*>(x), n); });
}

void cumulate(Cumulate kind, Element type, const void* x, void* y, int64_t n, ptrdiff_t step) {
  with_number(type, [=]<class T>() {
    running_sum(kind, static_cast<const T*>(x), static_cast<T*>(y), n, step);
  });
}

void softmax_f64(const double* x, double* y, int64_t n) {
  double peak = -__builtin_inf();
  for (int64_t i = 0; i < n; ++i) peak = x[i] > peak ? x[i] : peak;
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += y[i] = __builtin_exp(x[i] - peak);
  for (int64_t i = 0; i < n; ++i) y[i] /= sum;
}

void normalise_f64(const double* x, double* y, int64_t n, double epsilon, float* mean,
                   float* inverse) {
  const double middle = sum_of(x, n) / static_cast<double>(n);
  double squares = 0;
  for (int64_t i = 0; i < n; ++i) squares += (x[i] - middle) * (x[i] - middle);
  const double scale = 1 / __builtin_sqrt(squares / static_cast<double>(n) + epsilon);
  for (int64_t i = 0; i < n; ++i) y[i] = (x[i] - middle) * scale;
  if (mean) *mean = static_cast<float>(middle);
  if (inverse) *inverse = static_cast<float>(scale);
}

}  // namespace tenwatt::cpu::TENWATT_LEVEL
