#include "audio/fft.h"

#include <cmath>
#include <numbers>
#include <utility>

namespace tenwatt::audio {
namespace {

using Complex = std::complex<double>;

/// Plain complex product: std::complex's checks for infinities, which cost a branch per product.
Complex times(Complex a, Complex b) {
  return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
}

Complex root(int64_t k, int64_t n) {
  const double angle =
      -2.0 * std::numbers::pi * static_cast<double>(k % n) / static_cast<double>(n);
  return {std::cos(angle), std::sin(angle)};
}

std::vector<int> prime_factors(int n) {
  std::vector<int> factors;
  while (n % 4 == 0) {
    factors.push_back(4);
    n /= 4;
  }
  for (int p = 2; p * p <= n; ++p) {
    for (; n % p == 0; n /= p) factors.push_back(p);
  }
  if (n > 1) factors.push_back(n);
  return factors;
}

/// The sizes of one pass: the data is `blocks` transforms of length `radix * left`, `stride` apart.
struct Pass {
  int radix;
  int left;    // length that remains to be transformed after this pass
  int stride;  // product of the radices of the passes before
};

/// One butterfly of any radix: out[q] = sum_r in[r] * w^(q r), w = exp(-2 pi i / radix).
void butterfly(const Pass& pass, std::span<const Complex> roots, const Complex* in, size_t in_step,
               Complex* out, size_t out_step, int k) {
  const size_t n = roots.size();
  const auto radix = static_cast<size_t>(pass.radix);
  const size_t root_step = n / radix;
  for (size_t q = 0; q < radix; ++q) {
    Complex sum = in[0];
    for (size_t r = 1; r < radix; ++r)
      sum += times(in[r * in_step], roots[q * r % radix * root_step]);
    out[q * out_step] = times(sum, roots[q * static_cast<size_t>(k * pass.stride)]);
  }
}

void butterfly2(const Pass& pass, std::span<const Complex> roots, const Complex* in, size_t in_step,
                Complex* out, size_t out_step, int k) {
  const Complex a = in[0];
  const Complex b = in[in_step];
  out[0] = a + b;
  out[out_step] = times(a - b, roots[static_cast<size_t>(k * pass.stride)]);
}

void butterfly4(const Pass& pass, std::span<const Complex> roots, const Complex* in, size_t in_step,
                Complex* out, size_t out_step, int k) {
  const Complex even = in[0] + in[2 * in_step];
  const Complex even_diff = in[0] - in[2 * in_step];
  const Complex odd = in[in_step] + in[3 * in_step];
  const Complex odd_diff = in[in_step] - in[3 * in_step];
  const Complex turned(odd_diff.imag(), -odd_diff.real());  // times -i
  const auto step = static_cast<size_t>(k * pass.stride);
  out[0] = even + odd;
  out[out_step] = times(even_diff + turned, roots[step]);
  out[2 * out_step] = times(even - odd, roots[2 * step]);
  out[3 * out_step] = times(even_diff - turned, roots[3 * step]);
}

/// Decimation in frequency: input index s + stride * (k + left * r), output index
/// s + stride * (q + radix * k).
void run_pass(const Pass& pass, std::span<const Complex> roots, const Complex* in, Complex* out) {
  auto* const kernel = pass.radix == 4 ? butterfly4 : pass.radix == 2 ? butterfly2 : butterfly;
  const auto stride = static_cast<size_t>(pass.stride);
  for (int k = 0; k < pass.left; ++k) {
    const Complex* from = in + stride * static_cast<size_t>(k);
    Complex* to = out + stride * static_cast<size_t>(pass.radix) * static_cast<size_t>(k);
    for (size_t s = 0; s < stride; ++s) {
      kernel(pass, roots, from + s, stride * static_cast<size_t>(pass.left), to + s, stride, k);
    }
  }
}

}  // namespace

ComplexFft::ComplexFft(int n)
    : n_(n < 1 ? 1 : n), factors_(prime_factors(n_)), scratch_(static_cast<size_t>(n_)) {
  for (int k = 0; k < n_; ++k) roots_.push_back(root(k, n_));
}

void ComplexFft::forward(std::span<Complex> values) {
  Complex* from = values.data();
  Complex* to = scratch_.data();
  int left = n_;
  int stride = 1;
  for (int radix : factors_) {
    left /= radix;
    run_pass({radix, left, stride}, roots_, from, to);
    stride *= radix;
    std::swap(from, to);
  }
  if (from != values.data()) std::copy(scratch_.begin(), scratch_.end(), values.begin());
}

RealFft::RealFft(int n)
    : n_(n < 1 ? 1 : n),
      inner_(n_ % 2 == 0 ? n_ / 2 : n_),
      work_(static_cast<size_t>(inner_.size())) {
  for (int k = 0; k <= n_ / 2; ++k) twist_.push_back(root(k, n_));
}

void RealFft::forward(std::span<const double> input, std::span<Complex> output) {
  const size_t half = work_.size();
  if (n_ % 2 != 0) {
    for (size_t i = 0; i < half; ++i) work_[i] = input[i];
    inner_.forward(work_);
    for (size_t k = 0; k < static_cast<size_t>(bins()); ++k) output[k] = work_[k];
    return;
  }
  // Even samples are the real part and odd ones the imaginary part; their transforms E and O come
  // apart by symmetry, and X[k] = E[k] + exp(-2 pi i k / n) O[k].
  for (size_t i = 0; i < half; ++i) work_[i] = {input[2 * i], input[2 * i + 1]};
  inner_.forward(work_);
  for (size_t k = 0; k <= half; ++k) {
    const Complex z = work_[k % half];
    const Complex mirrored = std::conj(work_[(half - k) % half]);
    const Complex even = 0.5 * (z + mirrored);
    const Complex odd_i = 0.5 * (z - mirrored);  // i * O[k]
    output[k] = even + times(Complex(odd_i.imag(), -odd_i.real()), twist_[k]);
  }
}

}  // namespace tenwatt::audio
