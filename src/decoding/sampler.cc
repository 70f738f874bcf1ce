#include "decoding/sampler.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace tenwatt::decoding {

Status check(const SamplerOptions& options) {
  auto reject = [](const char* name, float value, const char* range) {
    return fail(ErrorCode::kInvalidArgument,
                std::string(name) + " is " + std::to_string(value) + ", and must be " + range);
  };
  if (!(options.temperature >= 0.0f && options.temperature <= 100.0f)) {
    return reject("the temperature", options.temperature, "between 0 and 100");
  }
  if (!(options.top_p > 0.0f && options.top_p <= 1.0f)) {
    return reject("top-p", options.top_p, "above 0 and at most 1");
  }
  if (!(options.min_p >= 0.0f && options.min_p <= 1.0f)) {
    return reject("min-p", options.min_p, "between 0 and 1");
  }
  if (options.top_k < 0) return fail(ErrorCode::kInvalidArgument, "top-k is negative");
  return {};
}

text::TokenId argmax(std::span<const float> logits) {
  // The largest value first, in lanes that don't wait for each other, then where it is.
  constexpr size_t kLanes = 16;
  std::array<float, kLanes> lanes;
  lanes.fill(logits[0]);
  size_t i = 0;
  for (; i + kLanes <= logits.size(); i += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) {
      lanes[lane] = logits[i + lane] > lanes[lane] ? logits[i + lane] : lanes[lane];
    }
  }
  for (; i < logits.size(); ++i) lanes[0] = logits[i] > lanes[0] ? logits[i] : lanes[0];
  const float largest = *std::ranges::max_element(lanes);
  const auto at = std::ranges::find(logits, largest);  // nowhere if the first is not a number
  return at == logits.end() ? 0 : static_cast<text::TokenId>(at - logits.begin());
}

text::TokenId Sampler::pick(std::span<const float> logits) {
  if (options_.temperature <= 0.0f) return argmax(logits);
  candidates_.clear();
  for (size_t i = 0; i < logits.size(); ++i) {
    candidates_.push_back({static_cast<text::TokenId>(i), logits[i], 0.0});
  }
  truncate();
  double total = 0;
  for (Candidate& candidate : candidates_) {
    const double distance = static_cast<double>(candidate.logit) - candidates_.front().logit;
    candidate.weight = std::exp(distance / options_.temperature);
    total += candidate.weight;
  }
  const double target = random_.uniform() * total;
  double sum = 0;
  for (const Candidate& candidate : candidates_) {
    sum += candidate.weight;
    if (sum >= target) return candidate.id;
  }
  return candidates_.back().id;
}

void Sampler::truncate() {
  const auto better = [](const Candidate& a, const Candidate& b) {
    return a.logit > b.logit || (a.logit == b.logit && a.id < b.id);
  };
  const auto all = static_cast<int64_t>(candidates_.size());
  const int64_t kept = options_.top_k > 0 ? std::min(options_.top_k, all) : all;
  std::partial_sort(candidates_.begin(), candidates_.begin() + kept, candidates_.end(), better);
  candidates_.resize(static_cast<size_t>(kept));
  double total = 0;
  for (Candidate& candidate : candidates_) {
    candidate.weight = std::exp(static_cast<double>(candidate.logit) - candidates_.front().logit);
    total += candidate.weight;
  }
  if (options_.top_p < 1.0f) {
    double sum = 0;
    size_t count = 0;
    // The token that crosses the threshold stays.
    while (count < candidates_.size() && sum < options_.top_p * total) {
      sum += candidates_[count++].weight;
    }
    candidates_.resize(std::max<size_t>(count, 1));
  }
  std::erase_if(candidates_, [&](const Candidate& candidate) {
    return candidate.weight < static_cast<double>(options_.min_p);  // the best weighs 1
  });
}

}  // namespace tenwatt::decoding
