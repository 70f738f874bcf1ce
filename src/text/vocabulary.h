// What every tokeniser over a list of pieces does alike: it cuts text at special tokens, puts the
// model's own beginning and end around the ids, and knows what each id stands for. How plain text
// becomes ids is left to the kinds (byte_bpe.h, sentencepiece.h).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/special_tokens.h"
#include "text/tokenizer.h"

namespace tenwatt::text {

class VocabularyTokenizer : public Tokenizer {
 public:
  std::vector<TokenId> encode(std::string_view text, EncodeOptions options) const final;
  std::string_view piece(TokenId id) const final;
  TokenType type(TokenId id) const final;
  bool is_end_of_generation(TokenId id) const final;
  TokenId vocabulary_size() const final { return static_cast<TokenId>(pieces_.size()); }
  std::optional<TokenId> bos() const final { return bos_; }
  std::optional<TokenId> eos() const final { return eos_; }

 protected:
  /// `spec` has passed check(); pieces[id] are the bytes that a token stands for.
  VocabularyTokenizer(const TokenizerSpec& spec, std::vector<std::string> pieces);

 private:
  /// Appends the ids of text that holds no special token.
  virtual void encode_plain(std::string_view text, std::vector<TokenId>& ids) const = 0;

  bool is_token(TokenId id) const { return id >= 0 && id < vocabulary_size(); }

  SpecialTokens special_;
  std::vector<TokenId> ends_;  // ascending
  std::vector<TokenType> types_;
  std::vector<std::string> pieces_;
  std::optional<TokenId> bos_, eos_;
  bool adds_bos_, adds_eos_;
};

}  // namespace tenwatt::text
