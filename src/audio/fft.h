// The discrete Fourier transform of real samples, of any length.
//
// Mixed radix, autosort (Stockham): each factor of the length is one pass between two buffers, so
// Whisper's 400 points need no padding. An even length runs as a complex transform of half of it.
#pragma once

#include <complex>
#include <span>
#include <vector>

namespace tenwatt::audio {

/// Complex transform of a fixed length n >= 1: X[k] = sum_j x[j] exp(-2 pi i j k / n). A prime
/// factor p costs n * p operations. Holds scratch memory: one object per thread.
class ComplexFft {
 public:
  explicit ComplexFft(int n);
  int size() const { return n_; }
  /// Transforms `values` (n of them) in place.
  void forward(std::span<std::complex<double>> values);

 private:
  int n_;
  std::vector<int> factors_;
  std::vector<std::complex<double>> roots_;  // exp(-2 pi i k / n)
  std::vector<std::complex<double>> scratch_;
};

/// Real transform of a fixed length n >= 1. One object per thread.
class RealFft {
 public:
  explicit RealFft(int n);
  int size() const { return n_; }
  /// Number of bins: n / 2 + 1.
  int bins() const { return n_ / 2 + 1; }
  /// `input` has n samples, `output` takes bins 0 .. n/2.
  void forward(std::span<const double> input, std::span<std::complex<double>> output);

 private:
  int n_;
  ComplexFft inner_;                         // of n/2 points for even n, else of n
  std::vector<std::complex<double>> twist_;  // exp(-2 pi i k / n), k <= n/2
  std::vector<std::complex<double>> work_;
};

}  // namespace tenwatt::audio
