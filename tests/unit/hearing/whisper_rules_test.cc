// The rules one by one on a small vocabulary, and against what faster-whisper sampled.
#include "hearing/whisper_rules.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "unit/hearing/reference.h"
#include "unit/hearing/vocabulary.h"

namespace tenwatt::hearing {
namespace {

using text::TokenId;

/// The tokens that stay possible after `sampled` where all logits are equal but for `favoured`.
std::vector<TokenId> allowed(const std::vector<TokenId>& sampled, RuleOptions options = {},
                             std::vector<TokenId> favoured = {}) {
  const WhisperVocabulary vocabulary = small_vocabulary();
  std::vector<float> logits(121, 0.0F);
  for (TokenId id : favoured) logits[static_cast<size_t>(id)] = 100;
  WhisperRules(vocabulary, options).apply(sampled, logits);
  std::vector<TokenId> ids;
  for (size_t i = 0; i < logits.size(); ++i) {
    if (std::isfinite(logits[i])) ids.push_back(static_cast<TokenId>(i));
  }
  return ids;
}

std::vector<TokenId> range(TokenId first, TokenId last) {
  std::vector<TokenId> ids;
  for (TokenId id = first; id <= last; ++id) ids.push_back(id);
  return ids;
}

TEST(WhisperRules, TheFirstTokenIsATimestampUpToOneSecond) {
  EXPECT_EQ(allowed({}), range(20, 70));
  EXPECT_EQ(allowed({}, {Timestamps::kOn, 5}), range(20, 25));
}

TEST(WhisperRules, AnOpeningTimestampIsFollowedByTextOrTheEnd) {
  EXPECT_EQ(allowed({20}, {}, {5}), (std::vector<TokenId>{0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 12, 13}));
  EXPECT_EQ(allowed({20, 1, 30, 30}, {}, {5}),
            (std::vector<TokenId>{0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 12, 13}));
}

TEST(WhisperRules, AClosingTimestampIsFollowedByATimestampNotBeforeItOrTheEnd) {
  std::vector<TokenId> expected = {10, 12, 13};
  for (TokenId id : range(30, 120)) expected.push_back(id);
  EXPECT_EQ(allowed({20, 1, 30}, {}, {10}), expected);
  EXPECT_EQ(allowed({20, 1, 30}), range(30, 120));  // together likelier than the end
}

TEST(WhisperRules, TextHasALength) {
  std::vector<TokenId> expected = {0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 12, 13};
  for (TokenId id : range(31, 120)) expected.push_back(id);
  EXPECT_EQ(allowed({20, 1, 30, 30, 2}, {}, {5}), expected);
}

TEST(WhisperRules, TimestampsTogetherLikelierThanAnyWordForbidWords) {
  EXPECT_EQ(allowed({20, 1}), range(21, 120));  // 100 equal timestamps against equal words
  EXPECT_EQ(allowed({20, 1}, {}, {2}).front(), 0);
}

TEST(WhisperRules, WithoutTimestampsOnlyTheListsApply) {
  std::vector<TokenId> first = range(0, 120);
  std::erase_if(first, [](TokenId id) {
    const std::vector<TokenId> gone = {3, 7, 10, 11, 14, 15, 16, 17, 18};
    return std::find(gone.begin(), gone.end(), id) != gone.end();
  });
  EXPECT_EQ(allowed({}, {Timestamps::kOff, 50}), first);
  EXPECT_EQ(allowed({1}, {Timestamps::kOff, 50}).size(), 114U);
}

/// Every token that faster-whisper sampled must be possible at its place.
TEST(WhisperRules, AllowEveryTokenThatFasterWhisperSampled) {
  for (const char* model : {"tiny.en", "base"}) {
    const std::string folder = model_path(std::string("whisper-") + model);
    TENWATT_NEED_FILE(folder);
    const WhisperVocabulary vocabulary = vocabulary_of(folder);
    const WhisperRules rules(vocabulary, {});
    size_t steps = 0;
    for (const nlohmann::json& clip : recorded_clips(model)) {
      for (const nlohmann::json& window : clip["windows"]) {
        std::vector<TokenId> answer = window["tokens"];
        answer.push_back(vocabulary.tokens.end_of_text);
        for (size_t i = 0; i < answer.size(); ++i, ++steps) {
          std::vector<float> logits(static_cast<size_t>(vocabulary.tokens.vocabulary_size), -50.0F);
          logits[static_cast<size_t>(answer[i])] = 50;
          rules.apply(std::span(answer).first(i), logits);
          ASSERT_EQ(logits[static_cast<size_t>(answer[i])], 50)
              << model << " " << clip["id"] << " step " << i << " token " << answer[i];
        }
      }
    }
    EXPECT_GT(steps, 1000U);
  }
}

}  // namespace
}  // namespace tenwatt::hearing
