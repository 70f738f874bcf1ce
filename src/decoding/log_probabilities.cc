#include "decoding/log_probabilities.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tenwatt::decoding {

double log_sum_exp(std::span<const float> logits) {
  if (logits.empty()) return -std::numeric_limits<double>::infinity();
  const double highest = *std::ranges::max_element(logits);
  if (!std::isfinite(highest)) return highest;
  double sum = 0;
  for (float logit : logits) sum += std::exp(static_cast<double>(logit) - highest);
  return highest + std::log(sum);
}

std::vector<Ranked> top(std::span<const float> logits, int64_t count) {
  std::vector<text::TokenId> ids(logits.size());
  for (size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<text::TokenId>(i);
  const auto kept = std::clamp<int64_t>(count, 0, static_cast<int64_t>(ids.size()));
  std::partial_sort(ids.begin(), ids.begin() + kept, ids.end(),
                    [&](text::TokenId a, text::TokenId b) {
                      const float x = logits[static_cast<size_t>(a)];
                      const float y = logits[static_cast<size_t>(b)];
                      return x > y || (x == y && a < b);
                    });
  const double normaliser = log_sum_exp(logits);
  std::vector<Ranked> ranked;
  for (int64_t i = 0; i < kept; ++i) {
    const text::TokenId id = ids[static_cast<size_t>(i)];
    ranked.push_back({id, logits[static_cast<size_t>(id)] - normaliser});
  }
  return ranked;
}

}  // namespace tenwatt::decoding
