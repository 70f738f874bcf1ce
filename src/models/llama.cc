#include "models/llama.h"

#include <cmath>

#include "graph/ir/builder.h"

namespace tenwatt::models {

using graph::Builder;
using graph::Dim;
using graph::kNoValue;
using graph::ValueId;

namespace {

/// The weights of the source, by GGUF name, as constants of the graph.
class Weights {
 public:
  Weights(const ModelSource& source, Builder& builder) : source_(source), builder_(builder) {}

  Result<ValueId> operator()(const std::string& name, const Shape& shape) {
    return builder_.constant(name, TENWATT_TRY(weight(source_, name, shape)));
  }
  Result<ValueId> optional(const std::string& name, const Shape& shape) {
    if (source_.find_tensor(name) == nullptr) return kNoValue;
    return (*this)(name, shape);
  }

 private:
  const ModelSource& source_;
  Builder& builder_;
};

class LlamaBuilder {
 public:
  LlamaBuilder(const ModelSource& source, const TransformerShape& shape,
               const LanguageModelOptions& options, graph::Graph& graph)
      : shape_(shape), options_(options), builder_(graph), weights_(source, builder_) {}

  Status build() {
    graph::Graph& graph = builder_.graph();
    const auto tokens = graph.add_symbol("tokens", {1, options_.max_rows});
    const auto wanted = graph.add_symbol("wanted", {0, options_.max_rows});
    graph.tokens = tokens;
    graph.wanted = wanted;
    tokens_ = Dim::symbol(tokens);
    const ValueId ids = builder_.input("ids", Format::kI32, {tokens_});
    positions_ = builder_.input("positions", Format::kI32, {tokens_});
    const ValueId rows = builder_.input("wanted_rows", Format::kI32, {Dim::symbol(wanted)});
    rope_factors_ = TENWATT_TRY(weights_.optional("rope_freqs.weight", {shape_.rotary_dim / 2}));

    const ValueId table =
        TENWATT_TRY(weights_("token_embd.weight", {shape_.vocabulary, shape_.width}));
    ValueId hidden = builder_.embedding("embedding", ids, table);
    for (int64_t layer = 0; layer < shape_.layers; ++layer) {
      hidden = TENWATT_TRY(decoder_layer("blk." + std::to_string(layer), hidden));
    }
    const ValueId last = builder_.gather_rows("wanted", hidden, rows);
    const ValueId norm = TENWATT_TRY(weights_("output_norm.weight", {shape_.width}));
    const ValueId normed = builder_.rms_norm("output_norm", last, norm, shape_.norm_epsilon);
    ValueId head =
        TENWATT_TRY(weights_.optional("output.weight", {shape_.vocabulary, shape_.width}));
    if (head == kNoValue) head = table;
    builder_.output(builder_.linear("logits", normed, head));
    return builder_.finish();
  }

 private:
  Result<ValueId> decoder_layer(const std::string& name, ValueId hidden) {
    const ValueId attention_norm =
        TENWATT_TRY(weights_(name + ".attn_norm.weight", {shape_.width}));
    const ValueId normed =
        builder_.rms_norm(name + ".attn_norm", hidden, attention_norm, shape_.norm_epsilon);
    const ValueId attended = TENWATT_TRY(attention(name, normed));
    const ValueId middle = builder_.add(name + ".attn_residual", hidden, attended);

    const ValueId ffn_norm = TENWATT_TRY(weights_(name + ".ffn_norm.weight", {shape_.width}));
    const ValueId ffn_in =
        builder_.rms_norm(name + ".ffn_norm", middle, ffn_norm, shape_.norm_epsilon);
    const ValueId ffn = TENWATT_TRY(feed_forward(name, ffn_in));
    return builder_.add(name + ".ffn_residual", middle, ffn);
  }

  Result<ValueId> attention(const std::string& name, ValueId x) {
    const ValueId q = TENWATT_TRY(heads(name + ".attn_q", x, shape_.heads));
    const ValueId k = TENWATT_TRY(heads(name + ".attn_k", x, shape_.kv_heads));
    const ValueId v = TENWATT_TRY(heads(name + ".attn_v", x, shape_.kv_heads));
    // The converter of the llama family permutes Q and K so that rotated pairs are adjacent.
    const graph::RotaryOptions rotary{.base = shape_.rope_base,
                                      .rotary_dim = shape_.rotary_dim,
                                      .pairs = graph::RotaryOptions::Pairs::kInterleaved,
                                      .factors = rope_factors_};
    const ValueId q_rotated = builder_.rotary(name + ".attn_q_rope", q, positions_, rotary);
    const ValueId k_rotated = builder_.rotary(name + ".attn_k_rope", k, positions_, rotary);
    add_state(name + ".k");
    add_state(name + ".v");
    const ValueId mixed =
        builder_.attention(name + ".attn", q_rotated, k_rotated, v,
                           {.scale = 1.0f / std::sqrt(static_cast<float>(shape_.head_dim)),
                            .k_state = name + ".k",
                            .v_state = name + ".v"});
    const int64_t width = shape_.heads * shape_.head_dim;
    const ValueId flat = builder_.reshape(name + ".attn_flat", mixed, {tokens_, width});
    const ValueId out = TENWATT_TRY(weights_(name + ".attn_output.weight", {shape_.width, width}));
    const ValueId bias = TENWATT_TRY(weights_.optional(name + ".attn_output.bias", {shape_.width}));
    return builder_.linear(name + ".attn_output", flat, out, bias);
  }

  Result<ValueId> heads(const std::string& name, ValueId x, int64_t count) {
    const int64_t rows = count * shape_.head_dim;
    const ValueId matrix = TENWATT_TRY(weights_(name + ".weight", {rows, shape_.width}));
    const ValueId bias = TENWATT_TRY(weights_.optional(name + ".bias", {rows}));
    const ValueId flat = builder_.linear(name, x, matrix, bias);
    return builder_.reshape(name + "_heads", flat, {tokens_, count, shape_.head_dim});
  }

  Result<ValueId> feed_forward(const std::string& name, ValueId x) {
    const Shape up_shape = {shape_.feed_forward, shape_.width};
    const ValueId gate = TENWATT_TRY(weights_(name + ".ffn_gate.weight", up_shape));
    const ValueId up = TENWATT_TRY(weights_(name + ".ffn_up.weight", up_shape));
    const ValueId down =
        TENWATT_TRY(weights_(name + ".ffn_down.weight", {shape_.width, shape_.feed_forward}));
    return builder_.gated_feed_forward(name + ".ffn", x, gate, up, down, "silu");
  }

  void add_state(const std::string& name) {
    graph::State state;
    state.name = name;
    state.kind = graph::StateKind::kAppend;
    state.format = options_.precision == devices::Precision::kExact ? Format::kF32 : Format::kF16;
    state.row = {shape_.kv_heads, shape_.head_dim};
    state.rows = shape_.context;
    builder_.graph().states.push_back(std::move(state));
  }

  const TransformerShape& shape_;
  const LanguageModelOptions& options_;
  Builder builder_;
  Weights weights_;
  Dim tokens_;
  ValueId positions_ = kNoValue;
  ValueId rope_factors_ = kNoValue;
};

}  // namespace

Result<graph::Graph> build_llama(const ModelSource& source, const TransformerShape& shape,
                                 const LanguageModelOptions& options) {
  graph::Graph graph;
  graph.name = "language-model";
  TENWATT_TRY(LlamaBuilder(source, shape, options, graph).build());
  return graph;
}

}  // namespace tenwatt::models
