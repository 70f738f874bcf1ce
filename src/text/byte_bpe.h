// Byte-level byte-pair encoding, the tokeniser of GPT-2 and its descendants (SmolLM, Qwen, Llama 3)
// and of Whisper. Text is cut at special tokens, then into pieces by the family's pre-tokeniser,
// and each piece's bytes are merged by rank.
#pragma once

#include <memory>

#include "base/result.h"
#include "text/tokenizer.h"

namespace tenwatt::text {

/// See make_tokenizer.
Result<std::unique_ptr<Tokenizer>> make_byte_bpe(TokenizerSpec spec);

}  // namespace tenwatt::text
