// Whisper's vocabulary from the text files that lie beside its weights. Takes the files' contents;
// opening them is the caller's. Ids are ranks, so no list of merges is needed: two tokens merge
// where what they spell together is a token, the lowest id first.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/result.h"
#include "text/tokenizer_spec.h"

namespace tenwatt::text {

/// From CTranslate2's vocabulary.txt: one spelling a line, by id. kCorrupt if the number of lines
/// is not that of a Whisper model.
Result<TokenizerSpec> whisper_spec_from_vocabulary(std::string_view vocabulary_txt);

/// From the bytes of the text tokens, by id, as whisper.cpp stores them; the special tokens of a
/// model of `vocabulary_size` follow from its layout. kUnsupported for a size that no Whisper has,
/// kCorrupt if a text token is missing.
Result<TokenizerSpec> whisper_spec_from_words(std::span<const std::string_view> words,
                                              int64_t vocabulary_size);

/// From Hugging Face's tokenizer.json. Timestamps, which that file may leave out, are filled in.
Result<TokenizerSpec> whisper_spec_from_tokenizer_json(std::string_view tokenizer_json);

}  // namespace tenwatt::text
