// Where Whisper's special tokens lie. The layout depends on nothing but the vocabulary's size, so
// no file is needed; the text tokens themselves come from text/whisper_vocabulary.h.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/tokenizer.h"

namespace tenwatt::text {

struct WhisperLanguage {
  std::string_view code;  ///< as in the token <|en|>
  std::string_view name;  ///< in English
};

/// All 100 languages in the order of their tokens; models before large-v3 lack the last one.
std::span<const WhisperLanguage> whisper_languages();

/// Ids of one size of vocabulary. Timestamps run from <|0.00|> in steps of 0.02 s to <|30.00|>.
struct WhisperTokens {
  TokenId vocabulary_size = 0;
  TokenId end_of_text = 0;
  TokenId start_of_transcript = 0;
  TokenId first_language = 0;
  int language_count = 0;
  TokenId translate = 0, transcribe = 0;
  TokenId start_of_lm = 0, start_of_previous = 0;
  TokenId no_speech = 0, no_timestamps = 0;
  TokenId first_timestamp = 0, last_timestamp = 0;
  bool multilingual = false;

  static constexpr double kSecondsPerTimestamp = 0.02;

  /// kUnsupported unless the size is one that Whisper was released with (51864, 51865, 51866).
  static Result<WhisperTokens> of_size(int64_t vocabulary_size);

  bool is_text(TokenId id) const { return id >= 0 && id < end_of_text; }
  bool is_timestamp(TokenId id) const { return id >= first_timestamp && id <= last_timestamp; }

  /// Seconds of a timestamp token, from the start of its window.
  double seconds(TokenId timestamp) const {
    return (timestamp - first_timestamp) * kSecondsPerTimestamp;
  }
  /// The nearest timestamp token, clamped to 0 to 30 s.
  TokenId timestamp(double seconds) const;

  /// The token of a language code ("de") or English name ("German"), if this vocabulary has it.
  std::optional<TokenId> language(std::string_view code_or_name) const;
  /// The language of a language token.
  std::optional<WhisperLanguage> language_of(TokenId id) const;
};

/// The text tokens that a transcript should not contain: brackets, notes and other marks of
/// non-speech, alone or after a space. Ascending.
std::vector<TokenId> non_speech_tokens(const Tokenizer& tokenizer);

/// What is never sampled: the non-speech tokens and translate, transcribe, start of transcript,
/// of previous, of lm, and no speech. Ascending.
std::vector<TokenId> suppressed_tokens(const Tokenizer& tokenizer, const WhisperTokens& tokens);

}  // namespace tenwatt::text
