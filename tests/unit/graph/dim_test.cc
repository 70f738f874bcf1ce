// The algebra of dimensions against direct evaluation of the same expressions.
#include "graph/ir/dim.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <random>

namespace tenwatt::graph {
namespace {

const std::vector<std::string> kNames{"a", "b", "c"};

int64_t floor_of(int64_t a, int64_t b) {
  return a / b - ((a % b != 0 && (a < 0) != (b < 0)) ? 1 : 0);
}

int64_t below(std::mt19937& random, int64_t limit) {
  return static_cast<int64_t>(random() % static_cast<uint64_t>(limit));
}

/// A random expression, both as a Dim and as a function of the symbols.
struct Expression {
  Dim dim;
  std::function<int64_t(const std::vector<int64_t>&)> direct;
};

Expression random_expression(std::mt19937& random, int depth) {
  const auto pick = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
  if (depth == 0 || pick(5) == 0) {
    if (pick(2) == 0) {
      const int64_t number = pick(9) - 3;
      return {Dim(number), [=](const auto&) { return number; }};
    }
    const int id = pick(3);
    return {Dim::symbol(id), [=](const auto& s) { return s[static_cast<size_t>(id)]; }};
  }
  const Expression a = random_expression(random, depth - 1);
  if (const int kind = pick(6); kind >= 4) {
    const int64_t divisor = pick(7) + 1;
    if (kind == 4)
      return {Dim::floor_div(a.dim, divisor),
              [=](const auto& s) { return floor_of(a.direct(s), divisor); }};
    return {Dim::ceil_div(a.dim, divisor),
            [=](const auto& s) { return -floor_of(-a.direct(s), divisor); }};
  } else if (kind == 3) {
    // A positive symbolic denominator.
    const int id = pick(3);
    const int64_t add = pick(3) + 1;
    return {Dim::floor_div(a.dim, Dim::symbol(id) * 2 + add), [=](const auto& s) {
              return floor_of(a.direct(s), 2 * s[static_cast<size_t>(id)] + add);
            }};
  } else {
    const Expression b = random_expression(random, depth - 1);
    if (kind == 0) return {a.dim + b.dim, [=](const auto& s) { return a.direct(s) + b.direct(s); }};
    if (kind == 1) return {a.dim - b.dim, [=](const auto& s) { return a.direct(s) - b.direct(s); }};
    return {a.dim * b.dim, [=](const auto& s) { return a.direct(s) * b.direct(s); }};
  }
}

TEST(Dim, EvaluatesLikeTheExpressionItWasBuiltFrom) {
  std::mt19937 random(1);
  for (int round = 0; round < 3000; ++round) {
    const Expression e = random_expression(random, 5);
    for (int sample = 0; sample < 5; ++sample) {
      const std::vector<int64_t> s{below(random, 40), below(random, 40), below(random, 40)};
      const auto value = e.dim.evaluate({s[0], s[1], s[2]});
      ASSERT_TRUE(value) << e.dim.to_string(kNames) << ": " << value.error().message;
      ASSERT_EQ(*value, e.direct(s)) << e.dim.to_string(kNames);
    }
  }
}

TEST(Dim, RangeHoldsEveryValue) {
  std::mt19937 random(2);
  const std::vector<Range> ranges{{0, 9}, {2, 5}, {1, 30}};
  for (int round = 0; round < 3000; ++round) {
    const Expression e = random_expression(random, 5);
    const Range range = e.dim.range(ranges);
    for (int sample = 0; sample < 8; ++sample) {
      std::vector<int64_t> s;
      for (const Range& r : ranges)
        s.push_back(r.min +
                    static_cast<int64_t>(random() % static_cast<uint64_t>(r.max - r.min + 1)));
      const int64_t value = e.direct(s);
      ASSERT_LE(range.min, value) << e.dim.to_string(kNames);
      ASSERT_GE(range.max, value) << e.dim.to_string(kNames);
    }
  }
}

TEST(Dim, SubstitutionIsEvaluationOfTheReplacement) {
  std::mt19937 random(3);
  for (int round = 0; round < 1000; ++round) {
    const Expression e = random_expression(random, 4);
    const Dim replaced = e.dim.substituted(1, Dim::symbol(0) * 3 + 2);
    EXPECT_FALSE(replaced.mentions(1));
    const std::vector<int64_t> s{below(random, 20), 0, below(random, 20)};
    const auto value = replaced.evaluate({s[0], std::nullopt, s[2]});
    ASSERT_TRUE(value);
    ASSERT_EQ(*value, e.direct({s[0], 3 * s[0] + 2, s[2]})) << e.dim.to_string(kNames);
  }
}

TEST(Dim, EqualPolynomialsCompareEqual) {
  const Dim a = Dim::symbol(0);
  const Dim b = Dim::symbol(1);
  EXPECT_EQ((a + b) * (a - b), a * a - b * b);
  EXPECT_EQ((a + 1) * (a + 1) - a * a, a * 2 + 1);
  EXPECT_EQ(Dim::floor_div(a * 4 + 3, 2), a * 2 + 1);
  EXPECT_EQ(Dim::ceil_div(a * 4 + 3, 2), a * 2 + 2);
  EXPECT_NE(Dim::floor_div(a, 2), Dim::floor_div(a + 1, 2));
}

TEST(Dim, DividesExactlyByMonomialsAndPolynomials) {
  const Dim t = Dim::symbol(0);
  const Dim u = Dim::symbol(1);
  EXPECT_EQ(Dim::floor_div(t * (t * 2 - 1), t), t * 2 - 1);
  EXPECT_EQ(Dim::floor_div(t * (t * 2 - 1), t * 2 - 1), t);
  // Piper's relative attention: padding [.., T, 2T-1] and reshaping through (T+1)(2T-1).
  EXPECT_EQ(Dim::floor_div((t + 1) * (t * 2 - 1), t + 1), t * 2 - 1);
  EXPECT_EQ(Dim::floor_div(t * u * 192, u * 96), t * 2);
  EXPECT_EQ(Dim::floor_div((t + u) * (t * 3 - u * 2 + 5), t + u), t * 3 - u * 2 + 5);
  // What does not divide leaves a remainder over the denominator.
  EXPECT_EQ(Dim::floor_div(t * u + 1, u), t + Dim::floor_div(1, u));
}

TEST(Dim, MergesNestedFloors) {
  const Dim t = Dim::symbol(0);
  EXPECT_EQ(Dim::floor_div(Dim::floor_div(t, 2), 2), Dim::floor_div(t, 4));
  EXPECT_EQ(Dim::floor_div(Dim::floor_div(t + 1, 2) + 1, 2), Dim::floor_div(t + 3, 4));
  // Three convolutions of stride 2, written in one or in three steps.
  Dim rows = t;
  for (int i = 0; i < 3; ++i) rows = Dim::floor_div(rows - 1, 2) + 1;
  EXPECT_EQ(rows, Dim::floor_div(t - 1, 8) + 1);
}

TEST(Dim, BoundsAreTightWhereTermsCancel) {
  const std::vector<Range> ranges{{1, 100}};
  const Dim t = Dim::symbol(0);
  EXPECT_EQ((t * t * 2 - t).range(ranges), (Range{1, 19900}));
  EXPECT_EQ((t - Dim::floor_div(t, 2)).range(ranges).min, 1);
}

TEST(Dim, OverflowAndDivisionByZeroAreErrorsNotNumbers) {
  const Dim huge = Dim(std::numeric_limits<int64_t>::max());
  EXPECT_FALSE((huge + 1).evaluate({}));
  EXPECT_FALSE((huge + 1).constant());
  EXPECT_FALSE((huge * Dim::symbol(0)).evaluate({int64_t{3}}));
  EXPECT_FALSE(Dim::floor_div(Dim::symbol(0), 0).evaluate({int64_t{3}}));
  EXPECT_FALSE(Dim::floor_div(8, Dim::symbol(0)).evaluate({int64_t{0}}));
  EXPECT_FALSE(Dim::symbol(0).evaluate({}));
  Dim growing = Dim::symbol(0);
  for (int i = 0; i < 200; ++i) growing = Dim::floor_div(growing * growing + growing, 3) + growing;
  EXPECT_FALSE(growing.evaluate({int64_t{1}}));
}

TEST(Dim, ReadsAsAnExpression) {
  const Dim a = Dim::symbol(0);
  EXPECT_EQ((a * 2 + 1).to_string(kNames), "2*a+1");
  EXPECT_EQ(Dim::floor_div(a + 1, 2).to_string(kNames), "floor((a+1)/2)");
  EXPECT_EQ((Dim(0) - a).to_string(kNames), "-a");
  EXPECT_EQ(Dim().to_string(kNames), "0");
}

TEST(Dim, NamesItsSlopeAndOffset) {
  const Dim a = Dim::symbol(0);
  EXPECT_EQ((a * 3 - 2).affine_in(0), (std::pair<int64_t, int64_t>{3, -2}));
  EXPECT_EQ(Dim(7).affine_in(0), (std::pair<int64_t, int64_t>{0, 7}));
  EXPECT_FALSE((a * a).affine_in(0));
  EXPECT_FALSE((a + Dim::symbol(1)).affine_in(0));
  EXPECT_FALSE(Dim::floor_div(a, 2).affine_in(0));
}

}  // namespace
}  // namespace tenwatt::graph
