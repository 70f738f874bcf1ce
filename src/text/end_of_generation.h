// Which tokens end an answer. Files name some by id; others are only known by how families spell
// them.
#pragma once

#include <vector>

#include "text/tokenizer_spec.h"

namespace tenwatt::text {

/// All tokens that end an answer, ascending.
std::vector<TokenId> end_of_generation_tokens(const TokenizerSpec& spec);

}  // namespace tenwatt::text
