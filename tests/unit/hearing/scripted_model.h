// A speech model that says what it is told: window after window, token after token.
#pragma once

#include <gtest/gtest.h>

#include <vector>

#include "hearing/token_model.h"
#include "hearing/whisper_vocabulary.h"

namespace tenwatt::hearing {

/// What the model answers to one window, attempt by attempt (each starts on an empty sequence).
struct ScriptedWindow {
  std::vector<std::vector<text::TokenId>> attempts;
  float certainty = 50;        ///< logit of the scripted token; all others have 0
  float no_speech = 0;         ///< logit of the no-speech token at the start of transcript
  text::TokenId language = 0;  ///< favoured by the start of transcript, if not 0
};

class ScriptedModel final : public SpeechModel, public TokenModel {
 public:
  ScriptedModel(const text::WhisperTokens& tokens, std::vector<ScriptedWindow> windows)
      : tokens_(tokens), windows_(std::move(windows)) {}

  int mels() const override { return 80; }

  Result<TokenModel*> encode(std::span<const float> mel) override {
    EXPECT_EQ(mel.size(), 80U * 3000U);
    if (encoded_ >= windows_.size()) return fail(ErrorCode::kInternal, "no more windows");
    ++encoded_;
    attempt_ = 0;
    sequence_.clear();
    return this;
  }

  Result<std::span<const float>> step(std::span<const text::TokenId> tokens,
                                      std::span<const int64_t> wanted) override {
    const bool is_guess = tokens.size() == 1 && sequence_.empty() && tokens_.multilingual;
    if (sequence_.empty() && !is_guess) prompts.push_back({tokens.begin(), tokens.end()});
    const size_t before = sequence_.size();
    sequence_.insert(sequence_.end(), tokens.begin(), tokens.end());
    const auto vocabulary = static_cast<size_t>(tokens_.vocabulary_size);
    logits_.assign(wanted.size() * vocabulary, 0.0F);
    for (size_t row = 0; row < wanted.size(); ++row) {
      const size_t length = before + static_cast<size_t>(wanted[row]) + 1;
      fill(std::span(logits_).subspan(row * vocabulary, vocabulary), length, is_guess);
    }
    return std::span<const float>(logits_);
  }

  Status rewind(int64_t length) override {
    if (length == 0 && sequence_.size() > 1) ++attempt_;
    sequence_.resize(static_cast<size_t>(length));
    return {};
  }

  size_t encoded() const { return encoded_; }
  std::vector<std::vector<text::TokenId>> prompts;  ///< of every attempt

 private:
  void fill(std::span<float> logits, size_t length, bool is_guess) {
    const ScriptedWindow& window = windows_[encoded_ - 1];
    if (sequence_[length - 1] == tokens_.start_of_transcript) {
      logits[static_cast<size_t>(tokens_.no_speech)] = window.no_speech;
      if (window.language != 0) logits[static_cast<size_t>(window.language)] = 20;
    }
    if (is_guess) return;
    const std::vector<text::TokenId>& answer =
        window.attempts[std::min(attempt_, window.attempts.size() - 1)];
    const size_t prompt = prompts.back().size();
    if (length < prompt) return;
    const size_t said = length - prompt;
    const text::TokenId next = said < answer.size() ? answer[said] : tokens_.end_of_text;
    logits[static_cast<size_t>(next)] = window.certainty;
  }

  const text::WhisperTokens tokens_;
  std::vector<ScriptedWindow> windows_;
  size_t encoded_ = 0;
  size_t attempt_ = 0;
  std::vector<text::TokenId> sequence_;
  std::vector<float> logits_;
};

}  // namespace tenwatt::hearing
