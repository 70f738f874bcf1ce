// From logits to the next token: greedy, or temperature with top-k, top-p and min-p truncation,
// from a seeded random source, so that a seed names an answer.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "text/tokenizer_spec.h"

namespace tenwatt::decoding {

struct SamplerOptions {
  float temperature = 0.0f;  ///< 0: greedy
  int64_t top_k = 40;        ///< keep this many; 0: all
  float top_p = 0.95f;       ///< smallest set whose probability reaches this; 1: all
  float min_p = 0.05f;       ///< at least this share of the best token's probability; 0: all
  uint64_t seed = 0;
};

/// kInvalidArgument naming the option and its range.
Status check(const SamplerOptions& options);

/// Not thread-safe; one per sequence.
class Sampler {
 public:
  explicit Sampler(const SamplerOptions& options) : options_(options), random_(options.seed) {}

  /// The next token. Greedy takes the lowest id among equals. Truncation happens in the order
  /// top-k, top-p, min-p on the model's own distribution; then the temperature is applied.
  text::TokenId pick(std::span<const float> logits);

 private:
  struct Candidate {
    text::TokenId id;
    float logit;
    double weight;
  };
  void truncate();

  SamplerOptions options_;
  Random random_;
  std::vector<Candidate> candidates_;
};

/// The id of the largest logit, the lowest one among equals.
text::TokenId argmax(std::span<const float> logits);

}  // namespace tenwatt::decoding
