// A language model as the engine wants it: the graph of its family, the tokeniser's plain spec,
// and what a program needs to know about the files. Each family is a row of a table
// (language_model.cc) and a file of its own.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "devices/interface/device.h"
#include "graph/ir/graph.h"
#include "models/model_source.h"
#include "text/tokenizer_spec.h"

namespace tenwatt::models {

struct LanguageModelOptions {
  /// Most tokens a sequence may hold; 0: what the model was trained for.
  int64_t context = 0;
  /// Most rows of one run.
  int64_t max_rows = 512;
  devices::Precision precision = devices::Precision::kFast;
};

struct LanguageModel {
  std::string name;
  std::string architecture;
  /// Inputs: `ids` i32 [tokens], `positions` i32 [tokens], `wanted_rows` i32 [wanted]. Output:
  /// `logits` f32 [wanted, vocabulary].
  graph::Graph graph;
  text::TokenizerSpec tokenizer;
  std::string chat_template;  ///< Jinja source from the file; empty if it has none
  int64_t context = 0;
  int64_t vocabulary = 0;
  /// Weights that one decoded token reads, in bytes of the file: the roof of decoding speed is
  /// bandwidth divided by this.
  size_t bytes_per_token = 0;
};

/// Reads a language model (model_source.h says from what). kUnsupported names an architecture or
/// number format that is not built, with those that are.
Result<LanguageModel> read_language_model(const std::string& path,
                                          const LanguageModelOptions& options = {});

/// Only the tokeniser of such a model, of a family that is not built too (a hub's folder has to be
/// of one that is).
Result<text::TokenizerSpec> read_language_tokenizer(const std::string& path);

/// The hyperparameters that all decoder-only transformers share, checked against each other.
struct TransformerShape {
  int64_t layers = 0;
  int64_t width = 0;
  int64_t feed_forward = 0;
  int64_t heads = 0;
  int64_t kv_heads = 0;
  int64_t head_dim = 0;
  int64_t context = 0;
  int64_t vocabulary = 0;
  float norm_epsilon = 0;
  float rope_base = 10000;
  float rope_scale = 1;  ///< of the positions
  int64_t rotary_dim = 0;
};
Result<TransformerShape> read_transformer_shape(const ModelSource& source,
                                                const std::string& architecture);

}  // namespace tenwatt::models
