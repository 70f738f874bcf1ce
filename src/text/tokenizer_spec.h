// What a tokeniser is made from: vocabulary, merges, flags. A plain value that the file readers
// fill in; this room never opens a file. Field names follow the keys of GGUF's tokenizer.ggml.*.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace tenwatt::text {

using TokenId = int32_t;

/// What a vocabulary entry is. The numbers are those of tokenizer.ggml.token_type.
enum class TokenType : uint8_t {
  kNormal = 1,
  kUnknown = 2,
  kControl = 3,
  kUserDefined = 4,
  kUnused = 5,
  kByte = 6,
};

/// How a merge's priority is known.
enum class MergeRule : uint8_t {
  kListed,         ///< by position in `merges`
  kConcatenation,  ///< by the id of the token that the two sides spell together (tiktoken)
};

struct TokenizerSpec {
  std::string model = "gpt2";       ///< tokenizer.ggml.model: the kind of tokeniser
  std::string pre = "default";      ///< tokenizer.ggml.pre: the name of the pre-tokeniser
  std::vector<std::string> tokens;  ///< spelling by id: normal ones in the kind's own alphabet
  std::vector<float> scores;        ///< empty, or at least as long as tokens
  std::vector<TokenType> types;     ///< empty (all normal), or at least as long as tokens
  std::vector<std::string> merges;  ///< "left right", best first
  MergeRule merge_rule = MergeRule::kListed;
  std::optional<TokenId> bos, eos, eot, eom, unknown, padding;
  std::optional<TokenId> fim_pad, fim_rep, fim_sep;
  std::optional<bool> add_bos, add_eos;  ///< absent: what the kind or its pre-tokeniser does
  std::optional<bool> add_space_prefix;  ///< SentencePiece: a space before the text
};

/// kCorrupt for a vocabulary of no or too many tokens, lists shorter than it, ids outside it, and
/// scores that are no numbers.
Status check(const TokenizerSpec& spec);

}  // namespace tenwatt::text
