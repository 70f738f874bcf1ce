// The llama family (LLaMA, Mistral, SmolLM2): pre-norm RMS, grouped-query attention with rotary
// embedding on adjacent pairs, gated SiLU feed-forward. facts: arXiv 2302.13971, 2305.13245.
#pragma once

#include "models/language_model.h"

namespace tenwatt::models {

/// Builds the graph of a `llama` model.
Result<graph::Graph> build_llama(const ModelSource& source, const TransformerShape& shape,
                                 const LanguageModelOptions& options);

}  // namespace tenwatt::models
