#include "hearing/whisper_rules.h"

#include <algorithm>
#include <limits>

#include "decoding/log_probabilities.h"

namespace tenwatt::hearing {
namespace {

using text::TokenId;

constexpr float kForbidden = -std::numeric_limits<float>::infinity();

void forbid(std::span<float> logits, TokenId id) {
  if (id >= 0 && static_cast<size_t>(id) < logits.size())
    logits[static_cast<size_t>(id)] = kForbidden;
}

/// Forbids ids first <= id < end.
void forbid_range(std::span<float> logits, TokenId first, TokenId end) {
  const auto count = static_cast<TokenId>(logits.size());
  const TokenId from = std::clamp<TokenId>(first, 0, count);
  const TokenId to = std::clamp<TokenId>(end, from, count);
  std::fill(logits.begin() + from, logits.begin() + to, kForbidden);
}

}  // namespace

void WhisperRules::apply(std::span<const TokenId> sampled, std::span<float> logits) const {
  if (sampled.empty()) {
    for (TokenId id : vocabulary_.suppressed_first) forbid(logits, id);
  }
  for (TokenId id : vocabulary_.suppressed) forbid(logits, id);
  if (options_.timestamps == Timestamps::kOff) return;
  forbid(logits, tokens_.no_timestamps);
  forbid_by_timestamps(sampled, logits);
  prefer_timestamps(logits);
}

/// Timestamps come in pairs between pieces of text, one opens and one closes, and never go back.
void WhisperRules::forbid_by_timestamps(std::span<const TokenId> sampled,
                                        std::span<float> logits) const {
  const TokenId begin = tokens_.first_timestamp;
  const auto end = static_cast<TokenId>(logits.size());
  if (sampled.empty()) {
    forbid_range(logits, 0, begin);
    forbid_range(logits, begin + options_.latest_first_timestamp + 1, end);
    return;
  }
  const bool last = tokens_.is_timestamp(sampled.back());
  const bool before = sampled.size() < 2 || tokens_.is_timestamp(sampled[sampled.size() - 2]);
  if (last && before) forbid_range(logits, begin, end);
  if (last && !before) forbid_range(logits, 0, tokens_.end_of_text);
  for (size_t i = sampled.size(); i-- > 0;) {
    if (!tokens_.is_timestamp(sampled[i])) continue;
    // A piece of text has a length, so its end lies behind its start; the next piece may start
    // where it ended.
    forbid_range(logits, begin, last && !before ? sampled[i] : sampled[i] + 1);
    return;
  }
}

/// Where timestamps together are likelier than any one word, it is time for a timestamp.
void WhisperRules::prefer_timestamps(std::span<float> logits) const {
  const auto begin = static_cast<size_t>(std::max<TokenId>(tokens_.first_timestamp, 0));
  if (begin >= logits.size()) return;
  const std::span<float> words = logits.first(begin);
  const float best_word = *std::max_element(words.begin(), words.end());
  if (decoding::log_sum_exp(logits.subspan(begin)) > best_word)
    std::fill(words.begin(), words.end(), kForbidden);
}

}  // namespace tenwatt::hearing
