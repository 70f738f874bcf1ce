#include "hearing/whisper_decoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "decoding/log_probabilities.h"

namespace tenwatt::hearing {
namespace {

using decoding::log_sum_exp;
using text::TokenId;

struct Choice {
  TokenId token = 0;
  double logprob = 0;
};

Choice likeliest(std::span<const float> logits) {
  const auto best = std::max_element(logits.begin(), logits.end());
  return {static_cast<TokenId>(best - logits.begin()), *best - log_sum_exp(logits)};
}

/// A token drawn with probability proportional to exp(logit / temperature); its log-probability is
/// that at temperature 1.
Choice drawn(std::span<const float> logits, float temperature, Random& random) {
  const float largest = *std::max_element(logits.begin(), logits.end());
  const auto weight = [&](float logit) {
    return std::exp((static_cast<double>(logit) - largest) / temperature);
  };
  double total = 0;
  for (float logit : logits) total += weight(logit);
  double left = random.uniform() * total;
  size_t chosen = 0;
  for (size_t i = 0; i < logits.size(); ++i) {
    const double share = weight(logits[i]);
    if (share == 0) continue;
    chosen = i;
    left -= share;
    if (left < 0) break;
  }
  return {static_cast<TokenId>(chosen), logits[chosen] - log_sum_exp(logits)};
}

Result<int64_t> find_start(const text::WhisperTokens& tokens, std::span<const TokenId> prompt) {
  const auto start = std::find(prompt.begin(), prompt.end(), tokens.start_of_transcript);
  if (start == prompt.end()) {
    return fail(ErrorCode::kInvalidArgument, "a prompt without a start of transcript");
  }
  if (static_cast<int64_t>(prompt.size()) >= kTextPositions) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("a prompt of {} tokens; at most {} fit",
                                                         prompt.size(), kTextPositions - 1));
  }
  return start - prompt.begin();
}

/// The logits behind the prompt and what they say about silence.
struct Opening {
  std::vector<float> logits;
  double no_speech_prob = 0;
};

Result<Opening> open(TokenModel& model, const text::WhisperTokens& tokens,
                     std::span<const TokenId> prompt) {
  const int64_t start = TENWATT_TRY(find_start(tokens, prompt));
  const auto last = static_cast<int64_t>(prompt.size()) - 1;
  std::vector<int64_t> wanted = {start};
  if (last != start) wanted.push_back(last);
  const std::span<const float> rows = TENWATT_TRY(model.step(prompt, wanted));
  const auto vocabulary = static_cast<size_t>(tokens.vocabulary_size);
  if (rows.size() != wanted.size() * vocabulary) {
    return fail(ErrorCode::kInternal, fmt::format("{} logits for {} rows of {} tokens", rows.size(),
                                                  wanted.size(), vocabulary));
  }
  const std::span<const float> at_start = rows.first(vocabulary);
  const std::span<const float> behind = rows.last(vocabulary);
  const double silence = at_start[static_cast<size_t>(tokens.no_speech)] - log_sum_exp(at_start);
  return Opening{{behind.begin(), behind.end()}, std::exp(silence)};
}

class Sampling {
 public:
  Sampling(TokenModel& model, const WhisperVocabulary& vocabulary, const DecodeOptions& options,
           Random& random)
      : model_(model),
        tokens_(vocabulary.tokens),
        options_(options),
        rules_(vocabulary, options.rules),
        random_(random) {}

  /// One answer of at most `room` tokens; `logits` are those behind the prompt.
  Result<Decoded> answer(std::vector<float> logits, int64_t room) {
    Decoded decoded;
    for (;;) {
      rules_.apply(decoded.tokens, logits);
      const Choice choice = TENWATT_TRY(choose(logits));
      decoded.sum_logprob += choice.logprob;
      if (choice.token == tokens_.end_of_text) return decoded;
      decoded.tokens.push_back(choice.token);
      if (static_cast<int64_t>(decoded.tokens.size()) >= room) return decoded;
      const int64_t first_row = 0;
      const auto next = TENWATT_TRY(model_.step({&choice.token, 1}, {&first_row, 1}));
      logits.assign(next.begin(), next.end());
    }
  }

 private:
  Result<Choice> choose(std::span<const float> logits) {
    const Choice choice =
        options_.temperature > 0 ? drawn(logits, options_.temperature, random_) : likeliest(logits);
    if (!std::isfinite(choice.logprob)) {
      return fail(ErrorCode::kInternal, "the speech model's logits are not numbers");
    }
    return choice;
  }

  TokenModel& model_;
  const text::WhisperTokens& tokens_;
  const DecodeOptions& options_;
  WhisperRules rules_;
  Random& random_;
};

}  // namespace

Result<Decoded> decode_window(TokenModel& model, const WhisperVocabulary& vocabulary,
                              std::span<const TokenId> prompt, const DecodeOptions& options,
                              Random& random) {
  const Opening opening = TENWATT_TRY(open(model, vocabulary.tokens, prompt));
  const auto prompt_length = static_cast<int64_t>(prompt.size());
  const int64_t room = std::min(options.most_new_tokens, kTextPositions - prompt_length);
  Sampling sampling(model, vocabulary, options, random);
  const int answers = options.temperature > 0 ? std::max(options.best_of, 1) : 1;
  Decoded best;
  for (int i = 0; i < answers; ++i) {
    if (i > 0) TENWATT_TRY(model.rewind(prompt_length));
    Decoded decoded = TENWATT_TRY(sampling.answer(opening.logits, room));
    if (i == 0 || decoded.avg_logprob() > best.avg_logprob()) best = std::move(decoded);
  }
  best.no_speech_prob = opening.no_speech_prob;
  return best;
}

Result<LanguageGuess> guess_language(TokenModel& model, const text::WhisperTokens& tokens) {
  if (!tokens.multilingual) {
    return fail(ErrorCode::kInvalidArgument, "an English-only model knows no other language");
  }
  const int64_t first_row = 0;
  const auto logits = TENWATT_TRY(model.step({&tokens.start_of_transcript, 1}, {&first_row, 1}));
  const auto first = static_cast<size_t>(tokens.first_language);
  const Choice choice =
      likeliest(logits.subspan(first, static_cast<size_t>(tokens.language_count)));
  const LanguageGuess guess{tokens.first_language + choice.token, std::exp(choice.logprob)};
  TENWATT_TRY(model.rewind(0));
  return guess;
}

}  // namespace tenwatt::hearing
