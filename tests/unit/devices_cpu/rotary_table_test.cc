// The cosines and sines of rotary embeddings against the C library's, inside the table and beyond.
#include "devices/cpu/lower/rotary_table.h"

#include <gtest/gtest.h>

#include <cmath>

namespace tenwatt::cpu {
namespace {

constexpr int64_t kDim = 64;

double frequency(double base, int64_t i) {
  return std::pow(base, -2.0 * static_cast<double>(i) / static_cast<double>(kDim));
}

TEST(RotaryTable, HoldsCosinesAndSinesToTheLastBitOfAFloat) {
  for (const float base : {10000.0f, 1000000.0f}) {
    const auto table = RotaryTable::get(base, 1.0f, kDim, {});
    std::vector<float> scratch(kDim);
    for (int64_t position = 0; position < RotaryTable::kPositions + 100; ++position) {
      const float* row = table->row(position, scratch.data());
      for (int64_t i = 0; i < kDim / 2; ++i) {
        const double angle = static_cast<double>(position) * frequency(base, i);
        ASSERT_NEAR(row[i], std::cos(angle), 3e-8) << position << ", " << i;
        ASSERT_NEAR(row[kDim / 2 + i], std::sin(angle), 3e-8) << position << ", " << i;
      }
    }
  }
}

TEST(RotaryTable, DividesFrequenciesByTheFactorsOfAModel) {
  const std::vector<float> factors(kDim / 2, 4.0f);
  const auto table = RotaryTable::get(10000.0f, 1.0f, kDim, factors);
  std::vector<float> scratch(kDim);
  const float* row = table->row(1000, scratch.data());
  for (int64_t i = 0; i < kDim / 2; ++i) {
    ASSERT_NEAR(row[i], std::cos(250.0 * frequency(10000.0, i)), 3e-8) << i;
  }
}

}  // namespace
}  // namespace tenwatt::cpu
