// Recorded references of `score --reference`: per position the 64 best log-probabilities of a
// program that we did not write, and the probability of all other tokens together.
//
// The file is JSON: {"ids": [..], "positions": [{"top": [[id, logprob], ...], "rest": p, "next":
// l}]}, position k speaking of token k + 1 (whose log-probability is `next`), so there is one
// position fewer than ids.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "tenwatt/model.h"

namespace tenwatt {

struct ScoreReference {
  struct Position {
    std::vector<std::pair<int32_t, double>> top;  ///< best first, natural logarithms
    double rest = 0;                              ///< probability of every other token
    double next = 0;                              ///< of the token that follows
  };
  std::vector<int32_t> ids;
  std::vector<Position> positions;
};

Result<ScoreReference> read_score_reference(const std::string& path);

/// Kullback-Leibler divergence of our distribution from the reference's, over the reference's best
/// tokens and one class for the rest: sum p ln(p / q).
class ScoreComparer {
 public:
  explicit ScoreComparer(const ScoreReference& reference) : reference_(reference) {}
  Status add(int64_t index, std::span<const float> logits);
  ScoreComparison finish();

 private:
  const ScoreReference& reference_;
  std::vector<double> divergences_;
  double log_loss_ = 0;
  double reference_log_loss_ = 0;
  ScoreComparison comparison_;
};

}  // namespace tenwatt
