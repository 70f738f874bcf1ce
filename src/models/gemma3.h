// The Gemma 3 family: scaled embeddings, norms before and after each branch and on every query and
// key head, a GELU gate, and five layers that see only a window for each one that sees everything;
// the two kinds rotate with bases of their own. facts: arXiv 2503.19786.
#pragma once

#include "models/language_model.h"

namespace tenwatt::models {

/// Builds the graph of a `gemma3` model.
Result<graph::Graph> build_gemma3(const ModelSource& source, const TransformerShape& shape,
                                  const LanguageModelOptions& options);

}  // namespace tenwatt::models
