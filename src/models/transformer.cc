#include "models/transformer.h"

#include <cmath>

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

class TransformerBuilder {
 public:
  TransformerBuilder(const ModelSource& source, const TransformerShape& shape,
                     const TransformerStyle& style, const LanguageModelOptions& options,
                     graph::Graph& graph)
      : shape_(shape),
        style_(style),
        options_(options),
        builder_(graph),
        weights_(source, builder_) {}

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
    ValueId hidden = embed(ids, table);
    for (size_t layer = 0; layer < style_.layers.size(); ++layer) {
      hidden =
          TENWATT_TRY(decoder_layer("blk." + std::to_string(layer), hidden, style_.layers[layer]));
    }
    const ValueId last = builder_.gather_rows("wanted", hidden, rows);
    const ValueId normed = TENWATT_TRY(norm("output_norm", last, shape_.width));
    ValueId head =
        TENWATT_TRY(weights_.optional("output.weight", {shape_.vocabulary, shape_.width}));
    if (head == kNoValue) head = table;
    builder_.output(builder_.linear("logits", normed, head));
    return builder_.finish();
  }

 private:
  ValueId embed(ValueId ids, ValueId table) {
    const ValueId rows = builder_.embedding("embedding", ids, table);
    if (style_.embedding_scale == 1) return rows;
    const ValueId scale = builder_.constant("embedding_scale",
                                            Tensor::of(std::span(&style_.embedding_scale, 1), {1}));
    return builder_.mul("scaled_embedding", rows, scale);
  }

  Result<ValueId> decoder_layer(const std::string& name, ValueId hidden,
                                const LayerAttention& layer) {
    const ValueId attention_in = TENWATT_TRY(norm(name + ".attn_norm", hidden, shape_.width));
    ValueId attended = TENWATT_TRY(attention(name, attention_in, layer));
    attended = TENWATT_TRY(branch_out(name + ".post_attention_norm", attended));
    const ValueId middle = builder_.add(name + ".attn_residual", hidden, attended);

    const ValueId ffn_in = TENWATT_TRY(norm(name + ".ffn_norm", middle, shape_.width));
    ValueId ffn = TENWATT_TRY(feed_forward(name, ffn_in));
    ffn = TENWATT_TRY(branch_out(name + ".post_ffw_norm", ffn));
    return builder_.add(name + ".ffn_residual", middle, ffn);
  }

  Result<ValueId> attention(const std::string& name, ValueId x, const LayerAttention& layer) {
    const ValueId q = TENWATT_TRY(heads(name + ".attn_q", x, shape_.heads));
    const ValueId k = TENWATT_TRY(heads(name + ".attn_k", x, shape_.kv_heads));
    const ValueId v = TENWATT_TRY(heads(name + ".attn_v", x, shape_.kv_heads));
    const ValueId q_rotated = TENWATT_TRY(position(name + ".attn_q", q, layer));
    const ValueId k_rotated = TENWATT_TRY(position(name + ".attn_k", k, layer));
    add_state(name + ".k");
    add_state(name + ".v");
    const ValueId mixed = builder_.attention(name + ".attn", q_rotated, k_rotated, v,
                                             {.scale = style_.attention_scale,
                                              .k_state = name + ".k",
                                              .v_state = name + ".v",
                                              .window = layer.window});
    const int64_t width = shape_.heads * shape_.head_dim;
    const ValueId flat = builder_.reshape(name + ".attn_flat", mixed, {tokens_, width});
    const ValueId out = TENWATT_TRY(weights_(name + ".attn_output.weight", {shape_.width, width}));
    const ValueId bias = TENWATT_TRY(weights_.optional(name + ".attn_output.bias", {shape_.width}));
    return builder_.linear(name + ".attn_output", flat, out, bias);
  }

  Result<ValueId> heads(const std::string& name, ValueId x, int64_t count) {
    const int64_t rows = count * shape_.head_dim;
    const ValueId matrix = TENWATT_TRY(weights_(name + ".weight", {rows, shape_.width}));
    const ValueId bias = style_.projection_bias == ProjectionBias::kAlways
                             ? TENWATT_TRY(weights_(name + ".bias", {rows}))
                             : TENWATT_TRY(weights_.optional(name + ".bias", {rows}));
    const ValueId flat = builder_.linear(name, x, matrix, bias);
    return builder_.reshape(name + "_heads", flat, {tokens_, count, shape_.head_dim});
  }

  /// Queries or keys as they meet each other: normalised where the family does so, and rotated.
  Result<ValueId> position(const std::string& name, ValueId x, const LayerAttention& layer) {
    if (style_.head_norm == HeadNorm::kQueryAndKey) {
      x = TENWATT_TRY(norm(name + "_norm", x, shape_.head_dim));
    }
    return builder_.rotary(name + "_rope", x, positions_,
                           {.base = layer.rope_base,
                            .rotary_dim = shape_.rotary_dim,
                            .pairs = style_.rotary_pairs,
                            .scale = layer.rope_scale,
                            .factors = rope_factors_});
  }

  Result<ValueId> feed_forward(const std::string& name, ValueId x) {
    const Shape up_shape = {shape_.feed_forward, shape_.width};
    const ValueId gate = TENWATT_TRY(weights_(name + ".ffn_gate.weight", up_shape));
    const ValueId up = TENWATT_TRY(weights_(name + ".ffn_up.weight", up_shape));
    const ValueId down =
        TENWATT_TRY(weights_(name + ".ffn_down.weight", {shape_.width, shape_.feed_forward}));
    return builder_.gated_feed_forward(name + ".ffn", x, gate, up, down, style_.activation);
  }

  Result<ValueId> branch_out(const std::string& name, ValueId x) {
    if (style_.branch_norm == BranchNorm::kBefore) return x;
    return norm(name, x, shape_.width);
  }

  Result<ValueId> norm(const std::string& name, ValueId x, int64_t width) {
    const ValueId weight = TENWATT_TRY(weights_(name + ".weight", {width}));
    return builder_.rms_norm(name, x, weight, shape_.norm_epsilon);
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
  const TransformerStyle& style_;
  const LanguageModelOptions& options_;
  Builder builder_;
  Weights weights_;
  Dim tokens_;
  ValueId positions_ = kNoValue;
  ValueId rope_factors_ = kNoValue;
};

}  // namespace

TransformerStyle plain_style(const TransformerShape& shape) {
  TransformerStyle style;
  style.attention_scale = 1.0f / std::sqrt(static_cast<float>(shape.head_dim));
  style.layers.assign(static_cast<size_t>(shape.layers),
                      {.rope_base = shape.rope_base, .rope_scale = shape.rope_scale});
  return style;
}

Result<graph::Graph> build_transformer(const ModelSource& source, const TransformerShape& shape,
                                       const TransformerStyle& style,
                                       const LanguageModelOptions& options) {
  graph::Graph graph;
  graph.name = "language-model";
  TENWATT_TRY(TransformerBuilder(source, shape, style, options, graph).build());
  return graph;
}

}  // namespace tenwatt::models
