// Text to token ids and back. The interface that the models, the sampler and the chat use; which
// algorithm is behind it is the spec's business. Any bytes are valid input; a tokeniser is
// immutable, so all members may be called from many threads.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/tokenizer_spec.h"

namespace tenwatt::text {

/// Whether the spelling of a control token in the text stands for that token.
enum class SpecialText : uint8_t { kParse, kPlain };
/// Whether the model's own beginning and end tokens are put around the ids.
enum class AddSpecial : uint8_t { kNone, kAsModelAsks };
/// What decoding does with control tokens.
enum class ControlTokens : uint8_t { kShow, kHide };

struct EncodeOptions {
  SpecialText special = SpecialText::kPlain;
  AddSpecial add = AddSpecial::kNone;
};

class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  virtual std::vector<TokenId> encode(std::string_view text, EncodeOptions options = {}) const = 0;

  /// The bytes that a token stands for, which may be part of a character. Empty for ids outside the
  /// vocabulary. Lives as long as the tokeniser.
  virtual std::string_view piece(TokenId id) const = 0;

  /// kUnused for ids outside the vocabulary.
  virtual TokenType type(TokenId id) const = 0;

  /// The token with this spelling (as `piece` gives it).
  virtual std::optional<TokenId> find(std::string_view spelling) const = 0;

  /// True for every token that ends an answer (several in many models).
  virtual bool is_end_of_generation(TokenId id) const = 0;

  virtual TokenId vocabulary_size() const = 0;
  virtual std::optional<TokenId> bos() const = 0;
  virtual std::optional<TokenId> eos() const = 0;

  virtual std::string decode(std::span<const TokenId> ids,
                             ControlTokens control = ControlTokens::kShow) const;
};

/// Checks a spec and builds its tokeniser. kCorrupt for ids outside the vocabulary or lists of the
/// wrong length, kUnsupported for a model kind or pre-tokeniser that is not built (the message
/// lists those that are).
Result<std::unique_ptr<Tokenizer>> make_tokenizer(TokenizerSpec spec);

/// Turns tokens into text as they arrive, holding back the bytes of a character until all of it is
/// there. Not thread-safe.
class StreamingDecoder {
 public:
  explicit StreamingDecoder(const Tokenizer& tokenizer,
                            ControlTokens control = ControlTokens::kHide)
      : tokenizer_(tokenizer), control_(control) {}

  /// The text that this token completes; may be empty.
  std::string push(TokenId id);

  /// The bytes still held back.
  std::string finish();

 private:
  const Tokenizer& tokenizer_;
  ControlTokens control_;
  std::string held_;
};

}  // namespace tenwatt::text
