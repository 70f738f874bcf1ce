// SentencePiece's byte-pair encoding, the tokeniser of LLaMA 2 and of Gemma 1 to 3 (arXiv
// 1808.06226). Spaces are written as U+2581, the characters of a text are merged while the result
// is a piece of the vocabulary, the best score first, and characters that are no piece fall back to
// one token per byte. There is no pre-tokeniser: a merge may cross words.
#pragma once

#include <memory>

#include "base/result.h"
#include "text/tokenizer.h"

namespace tenwatt::text {

/// See make_tokenizer. kCorrupt for a vocabulary without scores. Flags and ids that the spec leaves
/// out are those of the format: beginning 1, end 2, unknown 0; the beginning and a leading space
/// are added. Decoding takes that space away again.
Result<std::unique_ptr<Tokenizer>> make_sentencepiece(TokenizerSpec spec);

}  // namespace tenwatt::text
