// Log-probabilities of hand-made rows.
#include "decoding/log_probabilities.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace tenwatt::decoding {
namespace {

TEST(LogProbabilities, AreNormalisedOverTheWholeRow) {
  const std::vector<float> logits = {std::log(1.0f), std::log(2.0f), std::log(5.0f)};
  EXPECT_NEAR(log_sum_exp(logits), std::log(8.0), 1e-7);
  const auto best = top(logits, 2);
  ASSERT_EQ(best.size(), 2u);
  EXPECT_EQ(best[0].id, 2);
  EXPECT_NEAR(best[0].log_probability, std::log(5.0 / 8.0), 1e-7);
  EXPECT_EQ(best[1].id, 1);
  EXPECT_NEAR(best[1].log_probability, std::log(2.0 / 8.0), 1e-7);
}

TEST(LogProbabilities, HugeLogitsNeitherOverflowNorVanish) {
  EXPECT_NEAR(log_sum_exp(std::vector<float>{3e4f, 3e4f}), 3e4 + std::log(2.0), 1e-9);
  EXPECT_NEAR(log_sum_exp(std::vector<float>{-3e4f, -3e4f}), -3e4 + std::log(2.0), 1e-9);
}

TEST(LogProbabilities, ForbiddenTokensHaveNoShare) {
  EXPECT_NEAR(log_sum_exp(std::vector<float>{1000, -INFINITY, 1000}), 1000 + std::log(2.0), 1e-9);
  EXPECT_EQ(log_sum_exp(std::vector<float>{-INFINITY, -INFINITY}), -INFINITY);
}

TEST(LogProbabilities, EqualsComeByIdAndTheCountIsBounded) {
  const std::vector<float> logits = {1, 2, 2, 1};
  const auto all = top(logits, 99);
  ASSERT_EQ(all.size(), 4u);
  EXPECT_EQ(all[0].id, 1);
  EXPECT_EQ(all[1].id, 2);
  EXPECT_EQ(all[2].id, 0);
  EXPECT_EQ(all[3].id, 3);
  EXPECT_TRUE(top(logits, 0).empty());
  EXPECT_TRUE(top(logits, -1).empty());
  EXPECT_TRUE(top({}, 3).empty());
}

}  // namespace
}  // namespace tenwatt::decoding
