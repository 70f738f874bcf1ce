// Seedable random numbers whose values are the same on every machine and compiler, so that a seed
// names a result. Not for secrets.
//
// Generator: xoshiro256** (Blackman and Vigna 2018, "Scrambled linear pseudorandom number
// generators"), its four words filled from the seed by splitmix64 (Steele, Lea and Flood 2014).
#pragma once

#include <array>
#include <cstdint>

namespace tenwatt {

/// One stream of random numbers. Not for concurrent use; give each thread its own seed.
class Random {
 public:
  explicit Random(uint64_t seed);

  /// 64 uniform bits.
  uint64_t next();
  /// Uniform in [0, 1): the upper 53 bits times 2^-53.
  double uniform();
  /// Uniform in [0, bound), without bias (rejection); 0 for a bound of 0.
  uint64_t below(uint64_t bound);
  /// Standard normal by Marsaglia's polar method: (u, v) uniform in (-1, 1)^2 until
  /// 0 < s = u^2 + v^2 < 1, then u * sqrt(-2 ln(s) / s) and, on the next call, v * the same. The
  /// logarithm is computed here from additions, multiplications and divisions in a fixed order,
  /// because the C library's differs between systems in the last bit.
  double normal();

 private:
  std::array<uint64_t, 4> state_;
  double spare_ = 0;
  bool has_spare_ = false;
};

}  // namespace tenwatt
