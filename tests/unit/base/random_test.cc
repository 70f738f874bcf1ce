// Random numbers against values of independent implementations.
#include "base/random.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

namespace tenwatt {
namespace {

TEST(Random, Xoshiro256StarStarSeededBySplitmix64) {
  Random random(0);
  EXPECT_EQ(random.next(), 0x99ec5f36cb75f2b4u);
  EXPECT_EQ(random.next(), 0xbf6e1f784956452au);
  EXPECT_EQ(random.next(), 0x1a5f849d4933e6e0u);
  EXPECT_EQ(random.next(), 0x6aa594f1262d2d2cu);
}

// From a Python implementation of the documented formula, whose logarithm is the C library's.
TEST(Random, NormalFollowsTheDocumentedFormula) {
  constexpr std::array kExpected = {0.9643618527255184,  -1.0637531974798475, -0.3039301238656567,
                                    -1.0989693210013467, 0.30479435832638674, 1.7083194561947417};
  Random random(7);
  for (double expected : kExpected) EXPECT_NEAR(random.normal(), expected, 1e-14);
}

TEST(Random, NormalHasTheMomentsOfItsName) {
  Random random(1);
  constexpr int kCount = 200'000;
  double sum = 0;
  double squares = 0;
  double fourths = 0;
  for (int index = 0; index < kCount; ++index) {
    const double x = random.normal();
    sum += x;
    squares += x * x;
    fourths += x * x * x * x;
  }
  EXPECT_NEAR(sum / kCount, 0, 0.01);
  EXPECT_NEAR(squares / kCount, 1, 0.02);
  EXPECT_NEAR(fourths / kCount, 3, 0.1);
}

TEST(Random, UniformStaysBelowOneAndBelowStaysInItsBound) {
  Random random(3);
  std::array<int, 7> counts{};
  for (int index = 0; index < 70'000; ++index) {
    const double x = random.uniform();
    ASSERT_GE(x, 0);
    ASSERT_LT(x, 1);
    ++counts.at(random.below(7));
  }
  for (int count : counts) EXPECT_NEAR(count, 10'000, 500);
  EXPECT_EQ(random.below(0), 0u);
}

}  // namespace
}  // namespace tenwatt
