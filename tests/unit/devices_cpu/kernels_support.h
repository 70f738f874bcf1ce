// What the kernel tests share: a fixture per instruction level, random data, and the error bound
// of a float sum.
#pragma once

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "devices/cpu/kernels/panels.h"
#include "devices/cpu/probe/probe.h"

namespace tenwatt::cpu {

/// Runs once for each level that this machine can run.
class EveryLevel : public testing::TestWithParam<Level> {
 protected:
  const KernelTable& table() const { return kernels(GetParam()); }
  /// Normally distributed values, the same for every level.
  std::vector<float> random(size_t n, float scale = 1.0f) {
    std::normal_distribution<float> normal(0.0f, scale);
    std::vector<float> values(n);
    for (float& v : values) v = normal(engine_);
    return values;
  }
  int64_t number(int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(engine_);
  }
  std::mt19937 engine_{20240607};
};

#define TENWATT_EVERY_LEVEL(suite)                                            \
  using suite = EveryLevel;                                                   \
  INSTANTIATE_TEST_SUITE_P(Levels, suite, testing::ValuesIn(usable_levels()), \
                           [](const testing::TestParamInfo<Level>& level) {   \
                             return std::string(level_name(level.param));     \
                           })

/// A reference sum in double and the sum of its terms' magnitudes, which bounds rounding.
struct Exact {
  double sum = 0;
  double magnitude = 0;
  int64_t terms = 0;
  void add(double term) {
    sum += term;
    magnitude += std::abs(term);
    ++terms;
  }
};

inline double rounding_bound(const Exact& exact) {
  return 4 * std::numeric_limits<float>::epsilon() * std::sqrt(static_cast<double>(exact.terms)) *
             exact.magnitude +
         1e-37;
}

#define ASSERT_ROUNDED(value, exact) ASSERT_NEAR(value, (exact).sum, rounding_bound(exact))

inline uint32_t bits(float x) { return std::bit_cast<uint32_t>(x); }

inline void expect_same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    ASSERT_EQ(bits(a[i]), bits(b[i])) << "at " << i << ": " << a[i] << " and " << b[i];
  }
}

/// Marks memory that a kernel must not write, and garbage that it must not read into a result.
inline constexpr float kPoison = std::numeric_limits<float>::quiet_NaN();

/// A vector of bytes at a 64-byte boundary, as packed weights are.
class Aligned {
 public:
  explicit Aligned(size_t bytes) : storage_(bytes / 64 + 2) {}
  std::byte* data() { return reinterpret_cast<std::byte*>(storage_.data()); }

 private:
  struct alignas(64) Line {
    std::byte bytes[64];
  };
  std::vector<Line> storage_;
};

}  // namespace tenwatt::cpu
