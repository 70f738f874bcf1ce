// The decoder-only transformer that most families are: what they share is written once, as data
// flow, and what they differ in is a TransformerStyle. A family's file says its style and nothing
// else.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "graph/ir/builder.h"
#include "models/language_model.h"

namespace tenwatt::models {

/// Where a layer's two branches (attention and feed-forward) are normalised.
enum class BranchNorm : uint8_t {
  kBefore,          ///< what goes in
  kBeforeAndAfter,  ///< what goes in, and what comes out before it joins the residual
};
/// Whether queries and keys are normalised head by head before they are rotated.
enum class HeadNorm : uint8_t { kNone, kQueryAndKey };
/// Whether the projections of queries, keys and values have biases.
enum class ProjectionBias : uint8_t { kWhereGiven, kAlways };

/// How one layer's attention sees positions.
struct LayerAttention {
  int64_t window = 0;  ///< how many tokens back a query sees, itself among them; 0: all
  float rope_base = 10000;
  float rope_scale = 1;  ///< of the positions
};

struct TransformerStyle {
  graph::RotaryOptions::Pairs rotary_pairs = graph::RotaryOptions::Pairs::kHalves;
  ProjectionBias projection_bias = ProjectionBias::kWhereGiven;
  HeadNorm head_norm = HeadNorm::kNone;
  BranchNorm branch_norm = BranchNorm::kBefore;
  std::string_view activation = "silu";  ///< of the feed-forward's gate
  float embedding_scale = 1;
  float attention_scale = 1;
  std::vector<LayerAttention> layers;  ///< one per layer
};

/// The style that most families vary: every layer sees everything, scores are scaled by
/// 1/sqrt(head_dim), and the shape's rotary base and scale hold.
TransformerStyle plain_style(const TransformerShape& shape);

/// Builds the graph (LanguageModel::graph) of a model whose tensors have GGUF's names.
Result<graph::Graph> build_transformer(const ModelSource& source, const TransformerShape& shape,
                                       const TransformerStyle& style,
                                       const LanguageModelOptions& options);

}  // namespace tenwatt::models
