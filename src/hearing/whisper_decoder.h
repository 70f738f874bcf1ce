// Decodes one window: prompt in, the most likely (or sampled) tokens out, with the figures by which
// the result is judged.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "hearing/token_model.h"
#include "hearing/whisper_rules.h"
#include "hearing/whisper_vocabulary.h"

namespace tenwatt::hearing {

/// Positions of the text decoder; a prompt and its answer share them.
inline constexpr int64_t kTextPositions = 448;
inline constexpr int64_t kMostNewTokens = kTextPositions / 2;

struct DecodeOptions {
  RuleOptions rules;
  float temperature = 0;  ///< 0: the likeliest token at each step
  int best_of = 5;        ///< samples to choose from at temperatures above 0
  int64_t most_new_tokens = kMostNewTokens;
};

struct Decoded {
  std::vector<text::TokenId> tokens;  ///< without the end of text
  double sum_logprob = 0;             ///< after the rules, end of text included
  double no_speech_prob = 0;          ///< at the start-of-transcript position, before the rules

  /// Per token, the end of text counted.
  double avg_logprob() const { return sum_logprob / static_cast<double>(tokens.size() + 1); }
};

/// Decodes after `prompt` on an empty sequence of `model`. The prompt must hold the
/// start-of-transcript token and leave room; else kInvalidArgument. Logits that are not numbers
/// give kInternal.
Result<Decoded> decode_window(TokenModel& model, const WhisperVocabulary& vocabulary,
                              std::span<const text::TokenId> prompt, const DecodeOptions& options,
                              Random& random);

struct LanguageGuess {
  text::TokenId token = 0;
  double probability = 0;
};

/// The likeliest language of the window among the model's languages (multilingual models only), by
/// one step on an empty sequence, which is empty again afterwards.
Result<LanguageGuess> guess_language(TokenModel& model, const text::WhisperTokens& tokens);

}  // namespace tenwatt::hearing
