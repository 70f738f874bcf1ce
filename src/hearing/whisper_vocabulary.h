// Whisper's words: token layout, what is never said, and the tokeniser.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "text/tokenizer.h"
#include "text/tokenizer_spec.h"
#include "text/whisper_tokens.h"

namespace tenwatt::hearing {

struct WhisperVocabulary {
  text::WhisperTokens tokens;
  /// Never sampled: sound annotations and the tokens that steer, ascending.
  std::vector<text::TokenId> suppressed;
  /// Besides, not sampled first: a blank and the end of text.
  std::vector<text::TokenId> suppressed_first;
  std::shared_ptr<const text::Tokenizer> tokenizer;

  static Result<WhisperVocabulary> of(text::TokenizerSpec spec);

  /// The text of a segment: text tokens only, as valid UTF-8 (bytes that are not become U+FFFD).
  std::string text_of(std::span<const text::TokenId> ids) const;
};

/// `text` with every byte that is not part of UTF-8 replaced by U+FFFD.
std::string valid_utf8(std::string_view text);

}  // namespace tenwatt::hearing
