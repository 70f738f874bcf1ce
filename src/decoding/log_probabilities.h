// Natural log-probabilities of a row of logits, over the whole vocabulary and unmodified.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "text/tokenizer_spec.h"

namespace tenwatt::decoding {

struct Ranked {
  text::TokenId id = 0;
  double log_probability = 0;
};

/// log(sum(exp(logits))), in double and shifted by the maximum; -infinity where nothing is
/// possible.
double log_sum_exp(std::span<const float> logits);

/// The `count` most probable tokens, best first, the lower id first among equals.
std::vector<Ranked> top(std::span<const float> logits, int64_t count);

}  // namespace tenwatt::decoding
