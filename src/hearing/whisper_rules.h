// Which tokens Whisper may say next: the logit filters of OpenAI's decoding.py, in their order.
//
// Forbidden tokens get a logit of minus infinity. What is forbidden is a
// function of what has been sampled so far, so it is tested without a network.
#pragma once

#include <cstdint>
#include <span>

#include "hearing/whisper_vocabulary.h"

namespace tenwatt::hearing {

enum class Timestamps : uint8_t { kOff, kOn };

struct RuleOptions {
  Timestamps timestamps = Timestamps::kOn;
  /// The first timestamp is at most this, in steps of 0.02 s.
  int32_t latest_first_timestamp = 50;
};

class WhisperRules {
 public:
  /// `vocabulary` must outlive the rules; its tokeniser is not used.
  WhisperRules(const WhisperVocabulary& vocabulary, const RuleOptions& options)
      : vocabulary_(vocabulary), tokens_(vocabulary.tokens), options_(options) {}

  /// Forbids in `logits` (one per token) what may not follow `sampled`, the tokens after the
  /// prompt.
  void apply(std::span<const text::TokenId> sampled, std::span<float> logits) const;

 private:
  void forbid_by_timestamps(std::span<const text::TokenId> sampled, std::span<float> logits) const;
  void prefer_timestamps(std::span<float> logits) const;

  const WhisperVocabulary& vocabulary_;
  const text::WhisperTokens& tokens_;
  RuleOptions options_;
};

}  // namespace tenwatt::hearing
