#include "api/reference_file.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/paths.h"
#include "decoding/log_probabilities.h"
#include "decoding/sampler.h"

namespace tenwatt {
namespace {

constexpr size_t kMaxBytes = size_t{256} << 20;
constexpr double kLeastProbability = 1e-12;  // keeps logarithms of rounded-away masses finite

}  // namespace

Result<ScoreReference> read_score_reference(const std::string& path) {
  const std::string text = TENWATT_TRY(read_file(path, kMaxBytes));
  const auto json = nlohmann::json::parse(text, nullptr, false);
  const auto broken = [&](const char* what) {
    return fail(ErrorCode::kCorrupt, path + " is not a score reference: " + what,
                "record one with tests/reference/record_scores.py");
  };
  if (!json.is_object() || !json.contains("ids") || !json.contains("positions")) {
    return broken("it has no ids and positions");
  }
  ScoreReference reference;
  try {
    reference.ids = json.at("ids").get<std::vector<int32_t>>();
    for (const auto& entry : json.at("positions")) {
      ScoreReference::Position position;
      for (const auto& pair : entry.at("top")) {
        position.top.emplace_back(pair.at(0).get<int32_t>(), pair.at(1).get<double>());
      }
      position.rest = entry.at("rest").get<double>();
      position.next = entry.at("next").get<double>();
      if (position.top.size() < 2) return broken("a position has fewer than two tokens");
      reference.positions.push_back(std::move(position));
    }
  } catch (const nlohmann::json::exception& error) {
    return broken(error.what());
  }
  if (reference.positions.empty()) return broken("it has no positions");
  if (reference.ids.size() != reference.positions.size() + 1) {
    return broken("it needs one position fewer than ids");
  }
  return reference;
}

Status ScoreComparer::add(int64_t index, std::span<const float> logits) {
  const auto& position = reference_.positions[static_cast<size_t>(index)];
  const int32_t next = reference_.ids[static_cast<size_t>(index) + 1];
  const double normaliser = decoding::log_sum_exp(logits);
  double divergence = 0;
  double ours_in_top = 0;
  for (const auto& [id, log_probability] : position.top) {
    if (id < 0 || static_cast<size_t>(id) >= logits.size()) {
      return fail(ErrorCode::kInvalidArgument, "the reference has a token id of another model");
    }
    const double ours = logits[static_cast<size_t>(id)] - normaliser;
    divergence += std::exp(log_probability) * (log_probability - ours);
    ours_in_top += std::exp(ours);
  }
  const double rest = std::max(position.rest, kLeastProbability);
  divergence += rest * std::log(rest / std::max(1.0 - ours_in_top, kLeastProbability));
  divergences_.push_back(divergence);
  log_loss_ -= logits[static_cast<size_t>(next)] - normaliser;
  reference_log_loss_ -= position.next;
  const text::TokenId best = decoding::argmax(logits);
  if (best != position.top[0].first) {
    comparison_.argmax_differences.push_back(
        {.position = index,
         .ours = best,
         .reference = position.top[0].first,
         .margin = position.top[0].second - position.top[1].second});
  }
  return {};
}

ScoreComparison ScoreComparer::finish() {
  const size_t count = divergences_.size();
  comparison_.positions = static_cast<int64_t>(count);
  if (count == 0) return comparison_;
  double sum = 0;
  for (double divergence : divergences_) sum += divergence;
  std::ranges::sort(divergences_);
  comparison_.mean_kl = sum / static_cast<double>(count);
  comparison_.p99_kl = divergences_[std::min(count - 1, count * 99 / 100)];
  comparison_.perplexity = std::exp(log_loss_ / static_cast<double>(count));
  comparison_.reference_perplexity = std::exp(reference_log_loss_ / static_cast<double>(count));
  return comparison_;
}

}  // namespace tenwatt
