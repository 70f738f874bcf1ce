// The Qwen 2 and 2.5 family: a llama with biases on queries, keys and values, whose rotated pairs
// lie half a head apart. facts: arXiv 2407.10671.
#pragma once

#include "models/language_model.h"

namespace tenwatt::models {

/// Builds the graph of a `qwen2` model.
Result<graph::Graph> build_qwen2(const ModelSource& source, const TransformerShape& shape,
                                 const LanguageModelOptions& options);

}  // namespace tenwatt::models
