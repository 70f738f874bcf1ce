// The sampler against probabilities worked out by hand.
#include "decoding/sampler.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <vector>

namespace tenwatt::decoding {
namespace {

/// Nothing cut off, so that each test turns on just what it is about.
SamplerOptions open(float temperature = 1.0f) {
  return {.temperature = temperature, .top_k = 0, .top_p = 1.0f, .min_p = 0.0f, .seed = 1};
}

std::vector<float> logits_of(const std::vector<double>& probabilities) {
  std::vector<float> logits;
  // A common shift changes nothing.
  for (double p : probabilities) logits.push_back(static_cast<float>(std::log(p) + 3.0));
  return logits;
}

std::map<text::TokenId, int> draws(const SamplerOptions& options, const std::vector<float>& logits,
                                   int count) {
  Sampler sampler(options);
  std::map<text::TokenId, int> seen;
  for (int i = 0; i < count; ++i) ++seen[sampler.pick(logits)];
  return seen;
}

std::set<text::TokenId> reachable(const SamplerOptions& options, const std::vector<float>& logits) {
  std::set<text::TokenId> ids;
  for (const auto& [id, count] : draws(options, logits, 5000)) ids.insert(id);
  return ids;
}

using Ids = std::set<text::TokenId>;
const std::vector<double> kFour = {0.15, 0.5, 0.05, 0.3};

TEST(Sampler, GreedyTakesTheLowestIdAmongEquals) {
  Sampler sampler({.temperature = 0});
  const std::vector<float> logits = {1, 4, 4, -2, 4};
  EXPECT_EQ(sampler.pick(logits), 1);
  EXPECT_EQ(argmax(logits), 1);
}

TEST(Sampler, DrawsFollowTheExactDistributionAtEveryTemperature) {
  for (float temperature : {0.5f, 1.0f, 2.0f}) {
    std::vector<double> expected;
    double total = 0;
    for (double p : kFour) {
      expected.push_back(std::pow(p, 1.0 / temperature));
      total += expected.back();
    }
    constexpr int kDraws = 100'000;
    const auto seen = draws(open(temperature), logits_of(kFour), kDraws);
    double chi_square = 0;
    for (size_t id = 0; id < expected.size(); ++id) {
      const double wanted = kDraws * expected[id] / total;
      const double off = seen.at(static_cast<text::TokenId>(id)) - wanted;
      chi_square += off * off / wanted;
    }
    EXPECT_LT(chi_square, 21.1) << temperature;  // 99.99 % of three degrees of freedom
  }
}

TEST(Sampler, TopKKeepsTheBestAndTheLowestIdsAmongEquals) {
  SamplerOptions options = open();
  options.top_k = 2;
  EXPECT_EQ(reachable(options, logits_of(kFour)), (Ids{1, 3}));
  EXPECT_EQ(reachable(options, {2, 2, 2, 2}), (Ids{0, 1}));
  options.top_k = 1;
  EXPECT_EQ(reachable(options, {2, 2, 2, 2}), (Ids{0}));
  options.top_k = 99;
  EXPECT_EQ(reachable(options, {2, 2}), (Ids{0, 1}));
}

TEST(Sampler, TopPKeepsTheTokenThatCrossesTheShare) {
  SamplerOptions options = open();
  options.top_p = 0.4f;
  EXPECT_EQ(reachable(options, logits_of(kFour)), (Ids{1}));
  options.top_p = 0.6f;
  EXPECT_EQ(reachable(options, logits_of(kFour)), (Ids{1, 3}));
  options.top_p = 0.9f;
  EXPECT_EQ(reachable(options, logits_of(kFour)), (Ids{0, 1, 3}));
}

TEST(Sampler, MinPIsAShareOfTheBestTokensProbability) {
  SamplerOptions options = open();
  options.min_p = 0.25f;  // 0.15 / 0.5 stays, 0.05 / 0.5 goes
  EXPECT_EQ(reachable(options, logits_of(kFour)), (Ids{0, 1, 3}));
  options.min_p = 1.0f;
  EXPECT_EQ(reachable(options, logits_of(kFour)), (Ids{1}));
}

TEST(Sampler, TopPCountsOnlyWhatTopKLeft) {
  SamplerOptions options = open();
  options.top_k = 2;
  options.top_p = 0.6f;  // 0.5 of 0.8 is above it, 0.5 of 1 is not
  EXPECT_EQ(reachable(options, logits_of(kFour)), (Ids{1}));
}

TEST(Sampler, TruncatesBeforeTheTemperature) {
  SamplerOptions options = open(10.0f);
  options.top_p = 0.6f;  // of the model's own distribution: tokens 1 and 3, however hot
  constexpr int kDraws = 50'000;
  const auto seen = draws(options, logits_of(kFour), kDraws);
  ASSERT_EQ(seen.size(), 2u);
  const double ratio = std::pow(0.5 / 0.3, 0.1);
  EXPECT_NEAR(seen.at(1), kDraws * ratio / (1 + ratio), 4 * std::sqrt(kDraws * 0.25));
}

TEST(Sampler, ImpossibleTokensAreNeverDrawn) {
  constexpr float kNever = -std::numeric_limits<float>::infinity();
  EXPECT_EQ(reachable(open(100.0f), {kNever, 1, kNever, 1}), (Ids{1, 3}));
}

TEST(Sampler, TheSmallestTemperatureIsStillFinite) {
  EXPECT_EQ(reachable(open(1e-30f), logits_of(kFour)), (Ids{1}));
}

TEST(Sampler, ASeedNamesItsDraws) {
  const std::vector<float> logits(64, 0.0f);
  const auto drawn = [&](uint64_t seed) {
    SamplerOptions options = open();
    options.seed = seed;
    Sampler sampler(options);
    std::vector<text::TokenId> ids;
    for (int i = 0; i < 32; ++i) ids.push_back(sampler.pick(logits));
    return ids;
  };
  EXPECT_EQ(drawn(7), drawn(7));
  EXPECT_NE(drawn(7), drawn(8));
}

TEST(SamplerOptions, OutOfRangeIsRefusedByName) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  const auto refused = [](const SamplerOptions& options, const std::string& name) {
    const Status status = check(options);
    ASSERT_FALSE(status) << name;
    EXPECT_EQ(status.error().code, ErrorCode::kInvalidArgument);
    EXPECT_NE(status.error().message.find(name), std::string::npos) << status.error().message;
  };
  EXPECT_TRUE(check({}));
  for (float temperature : {-0.1f, 101.0f, kNan}) {
    refused({.temperature = temperature}, "temperature");
  }
  for (float share : {0.0f, 1.5f, kNan}) refused({.top_p = share}, "top-p");
  for (float share : {-0.1f, 1.5f, kNan}) refused({.min_p = share}, "min-p");
  refused({.top_k = -1}, "top-k");
}

}  // namespace
}  // namespace tenwatt::decoding
