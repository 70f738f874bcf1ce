// What the Whisper decoder needs of a model: tokens in, logits out. The engine is behind it in use,
// a script in tests.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/result.h"
#include "text/tokenizer_spec.h"

namespace tenwatt::hearing {

/// A sequence of text tokens over one window of sound. Not thread-safe.
class TokenModel {
 public:
  virtual ~TokenModel() = default;

  /// Appends `tokens`; gives the logits after those at the indices `wanted` (ascending, into
  /// `tokens`) as [wanted, vocabulary]. They stay until the next call.
  virtual Result<std::span<const float>> step(std::span<const text::TokenId> tokens,
                                              std::span<const int64_t> wanted) = 0;
  /// Forgets all tokens but the first `length`.
  virtual Status rewind(int64_t length) = 0;
};

/// A speech model: windows of sound in, token sequences over them out. Not thread-safe.
class SpeechModel {
 public:
  virtual ~SpeechModel() = default;

  /// Bands of the spectrogram that it takes (80 or 128).
  virtual int mels() const = 0;
  /// Encodes one window of 30 s, [mels, 3000], and gives its empty token sequence, which lives
  /// until the next call.
  virtual Result<TokenModel*> encode(std::span<const float> mel) = 0;
};

}  // namespace tenwatt::hearing
