#include "models/llama.h"

#include "models/transformer.h"

namespace tenwatt::models {

Result<graph::Graph> build_llama(const ModelSource& source, const TransformerShape& shape,
                                 const LanguageModelOptions& options) {
  TransformerStyle style = plain_style(shape);
  // The converter of this family permutes Q and K so that rotated pairs are adjacent.
  style.rotary_pairs = graph::RotaryOptions::Pairs::kInterleaved;
  return build_transformer(source, shape, style, options);
}

}  // namespace tenwatt::models
