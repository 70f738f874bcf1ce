#include "models/qwen2.h"

#include "models/transformer.h"

namespace tenwatt::models {

Result<graph::Graph> build_qwen2(const ModelSource& source, const TransformerShape& shape,
                                 const LanguageModelOptions& options) {
  TransformerStyle style = plain_style(shape);
  style.projection_bias = ProjectionBias::kAlways;
  return build_transformer(source, shape, style, options);
}

}  // namespace tenwatt::models
