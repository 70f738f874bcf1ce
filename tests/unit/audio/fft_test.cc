// The transform against its definition.
#include "audio/fft.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <random>

namespace tenwatt::audio {
namespace {

std::vector<std::complex<double>> by_definition(const std::vector<double>& input) {
  const auto n = static_cast<double>(input.size());
  std::vector<std::complex<double>> bins(input.size() / 2 + 1);
  for (size_t k = 0; k < bins.size(); ++k) {
    for (size_t j = 0; j < input.size(); ++j) {
      const double turn = std::fmod(static_cast<double>(j * k), n) / n;
      bins[k] += input[j] * std::polar(1.0, -2 * std::numbers::pi * turn);
    }
  }
  return bins;
}

double largest_difference(int n) {
  std::mt19937 random(static_cast<unsigned>(n));
  std::uniform_real_distribution<double> uniform(-1, 1);
  std::vector<double> input(static_cast<size_t>(n));
  for (double& x : input) x = uniform(random);
  RealFft fft(n);
  std::vector<std::complex<double>> bins(static_cast<size_t>(fft.bins()));
  fft.forward(input, bins);
  double worst = 0;
  const auto expected = by_definition(input);
  for (size_t k = 0; k < bins.size(); ++k) worst = std::max(worst, std::abs(bins[k] - expected[k]));
  return worst;
}

TEST(RealFft, EqualsTheDefinitionForEveryLengthUpTo130) {
  for (int n = 1; n <= 130; ++n) EXPECT_LT(largest_difference(n), 1e-11) << "length " << n;
}

TEST(RealFft, EqualsTheDefinitionForTheLengthsInUse) {
  for (int n : {256, 400, 512, 1009, 1024, 2000}) {
    EXPECT_LT(largest_difference(n), 1e-9) << "length " << n;
  }
}

}  // namespace
}  // namespace tenwatt::audio
