// The decoding loop over one window: figures, limits, sampling, language.
#include "hearing/whisper_decoder.h"

#include <gtest/gtest.h>

#include <cmath>

#include "unit/hearing/scripted_model.h"
#include "unit/hearing/vocabulary.h"

namespace tenwatt::hearing {
namespace {

using text::TokenId;

const std::vector<TokenId> kPrompt = {11, 12, 15};

Result<Decoded> decode(ScriptedWindow window, const DecodeOptions& options = {},
                       const std::vector<TokenId>& prompt = kPrompt) {
  const WhisperVocabulary vocabulary = small_vocabulary();
  ScriptedModel model(vocabulary.tokens, {std::move(window)});
  (void)model.encode(std::vector<float>(80 * 3000)).value();
  Random random(7);
  return decode_window(model, vocabulary, prompt, options, random);
}

TEST(WhisperDecoder, GivesTheLikeliestTokensUpToTheEnd) {
  const std::vector<TokenId> answer = {20, 1, 2, 40, 40, 5, 60};
  const Decoded decoded = decode({{answer}}).value();
  EXPECT_EQ(decoded.tokens, answer);
  EXPECT_NEAR(decoded.avg_logprob(), 0, 1e-9);
}

TEST(WhisperDecoder, MeanLogProbabilityIsAfterTheRulesAndCountsTheEnd) {
  // One timestamp of 51 allowed, then the end of 12 allowed words (none of them a timestamp).
  const Decoded decoded = decode({.attempts = {{20}}, .certainty = 1}).value();
  const double e = std::exp(1.0);
  EXPECT_EQ(decoded.tokens, std::vector<TokenId>{20});
  EXPECT_NEAR(decoded.avg_logprob(), (std::log(e / (e + 50)) + std::log(e / (e + 11))) / 2, 1e-6);
}

TEST(WhisperDecoder, NoSpeechIsReadAtTheStartOfTranscriptBeforeTheRules) {
  const Decoded decoded =
      decode({.attempts = {{20, 1, 40}}, .no_speech = 3}, {}, {17, 1, 2, 11, 12, 15}).value();
  EXPECT_NEAR(decoded.no_speech_prob, std::exp(3) / (std::exp(3) + 120), 1e-6);
}

TEST(WhisperDecoder, StopsAtTheLastPosition) {
  const std::vector<TokenId> endless(1000, 1);
  DecodeOptions options;
  options.rules.timestamps = Timestamps::kOff;
  EXPECT_EQ(decode({{endless}}, options).value().tokens.size(), 224U);
  std::vector<TokenId> long_prompt(440, 1);
  long_prompt.insert(long_prompt.end(), kPrompt.begin(), kPrompt.end());
  EXPECT_EQ(decode({{endless}}, options, long_prompt).value().tokens.size(), 448U - 443U);
}

TEST(WhisperDecoder, RefusesPromptsThatCanNotBe) {
  EXPECT_EQ(decode({{{20}}}, {}, {12, 15}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(decode({{{20}}}, {}, std::vector<TokenId>(448, 11)).error().code,
            ErrorCode::kInvalidArgument);
}

TEST(WhisperDecoder, LogitsThatAreNotNumbersAreAnError) {
  const auto decoded = decode({.attempts = {{20}}, .certainty = std::nanf("")});
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().code, ErrorCode::kInternal);
}

TEST(WhisperDecoder, SamplingFollowsTheProbabilitiesAndKeepsTheBest) {
  DecodeOptions options;
  options.rules.timestamps = Timestamps::kOff;
  options.temperature = 1;
  options.most_new_tokens = 1;
  options.best_of = 1;
  const WhisperVocabulary vocabulary = small_vocabulary();
  Random random(3);
  int favoured = 0;
  constexpr int kDraws = 2000;
  for (int i = 0; i < kDraws; ++i) {
    ScriptedModel model(vocabulary.tokens, {{.attempts = {{1}}, .certainty = 5}});
    (void)model.encode(std::vector<float>(80 * 3000)).value();
    const Decoded decoded = decode_window(model, vocabulary, kPrompt, options, random).value();
    favoured += decoded.tokens == std::vector<TokenId>{1} ? 1 : 0;
  }
  // 112 tokens are allowed first: all but the end, a blank and the suppressed seven.
  const double expected = std::exp(5) / (std::exp(5) + 111);
  EXPECT_NEAR(static_cast<double>(favoured) / kDraws, expected, 0.04);
  options.best_of = 20;
  EXPECT_EQ(decode({.attempts = {{1}}, .certainty = 5}, options).value().tokens,
            std::vector<TokenId>{1});
}

TEST(WhisperDecoder, LanguageIsTheLikeliestAmongLanguagesAlone) {
  const WhisperVocabulary vocabulary = small_vocabulary();
  ScriptedModel model(vocabulary.tokens, {{.attempts = {{20}}, .language = 13}});
  (void)model.encode(std::vector<float>(80 * 3000)).value();
  const LanguageGuess guess = guess_language(model, vocabulary.tokens).value();
  EXPECT_EQ(guess.token, 13);
  EXPECT_NEAR(guess.probability, 1, 1e-6);
}

}  // namespace
}  // namespace tenwatt::hearing
