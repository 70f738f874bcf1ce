// The tokeniser of a model as hubs publish it: tokenizer.json (vocabulary, merges, how text is
// cut), tokenizer_config.json (which tokens begin and end a text, the chat template) and
// generation_config.json. Read into the same spec as GGUF's keys.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "text/tokenizer_spec.h"

namespace tenwatt::models {

/// Byte-level BPE and BPE with byte fallback (SentencePiece). The vocabulary is filled up or cut to
/// the `rows` of the embedding. kNotFound, kCorrupt, kUnsupported naming what is not built.
Result<text::TokenizerSpec> read_hub_tokenizer(const std::string& folder, int64_t rows);

/// The Jinja source, from wherever the folder keeps it; empty if it has none.
Result<std::string> read_hub_chat_template(const std::string& folder);

}  // namespace tenwatt::models
