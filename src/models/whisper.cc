#include "models/whisper.h"

#include <fmt/format.h>

#include <cmath>

#include "graph/ir/builder.h"

namespace tenwatt::models {
namespace {

using graph::Builder;
using graph::Dim;
using graph::Graph;
using graph::kNoValue;
using graph::Operands;
using graph::State;
using graph::StateKind;
using graph::ValueId;

constexpr float kNormEpsilon = 1e-5F;
const float kAttentionScale = 1.0F / std::sqrt(static_cast<float>(kWhisperHeadDim));

/// The pieces that encoder and decoder share: pre-norm residual blocks over [rows, d].
class Blocks {
 public:
  Blocks(Builder& builder, const WhisperShape& shape, Operands operands)
      : b_(builder), shape_(shape), operands_(operands) {}

  ValueId norm(const std::string& name, ValueId x, const NormWeights& weights) {
    const ValueId gamma = b_.constant(name + ".gamma", weights.gamma);
    const ValueId beta = b_.constant(name + ".beta", weights.beta);
    return b_.layer_norm(name, x, gamma, beta, kNormEpsilon);
  }

  ValueId linear(const std::string& name, ValueId x, const LinearWeights& weights) {
    const ValueId weight = b_.constant(name + ".weight", weights.weight);
    const ValueId bias = weights.bias ? b_.constant(name + ".bias", *weights.bias) : kNoValue;
    return b_.linear(name, x, weight, bias, operands_);
  }

  /// [rows, d] -> [rows, heads, 64].
  ValueId heads(const std::string& name, ValueId x, const Dim& rows) {
    return b_.reshape(name, x, {rows, Dim(shape_.heads), Dim(kWhisperHeadDim)});
  }

  ValueId projected_heads(const std::string& name, ValueId x, const LinearWeights& weights,
                          const Dim& rows) {
    return heads(name + ".heads", linear(name, x, weights), rows);
  }

  /// x + out(attended), attended [rows, heads, 64].
  ValueId add_attended(const std::string& name, ValueId x, ValueId attended,
                       const AttentionWeights& weights, const Dim& rows) {
    const ValueId joined = b_.reshape(name + ".joined", attended, {rows, Dim(shape_.width)});
    return b_.add(name + ".sum", x, linear(name + ".out", joined, weights.out));
  }

  ValueId feed_forward(const std::string& name, ValueId x, const FeedForwardWeights& weights) {
    const ValueId normed = norm(name + ".norm", x, weights.norm);
    const ValueId up = b_.gelu(name + ".gelu", linear(name + ".up", normed, weights.up));
    return b_.add(name + ".sum", x, linear(name + ".down", up, weights.down));
  }

  Builder& builder() { return b_; }

 private:
  Builder& b_;
  const WhisperShape& shape_;
  Operands operands_;
};

/// [mels, 2 rows] -> [rows, d]: two convolutions, the second of stride 2, and positions.
ValueId encoder_stem(Builder& b, const WhisperWeights& weights, ValueId mel) {
  const WhisperShape& shape = weights.shape;
  const ValueId batch = b.reshape("mel.batch", mel, {1, shape.mels, 2 * shape.audio_context});
  const ValueId conv1 =
      b.conv1d("conv1", batch, b.constant("conv1.weight", weights.conv1_weight),
               b.constant("conv1.bias", weights.conv1_bias), {.stride = 1, .padding = 1});
  const ValueId conv2 = b.conv1d(
      "conv2", b.gelu("conv1.gelu", conv1), b.constant("conv2.weight", weights.conv2_weight),
      b.constant("conv2.bias", weights.conv2_bias), {.stride = 2, .padding = 1});
  const ValueId channels =
      b.reshape("conv2.channels", b.gelu("conv2.gelu", conv2), {shape.width, shape.audio_context});
  const ValueId rows = b.transpose("conv2.rows", channels, {1, 0});
  return b.add("positioned", rows, b.constant("audio_positions", weights.audio_positions));
}

ValueId encoder_layer(Blocks& blocks, const std::string& name, ValueId x,
                      const WhisperEncoderLayer& layer, const Dim& rows) {
  const std::string self = name + ".self";
  const ValueId normed = blocks.norm(self + ".norm", x, layer.self.norm);
  const ValueId q = blocks.projected_heads(self + ".q", normed, layer.self.q, rows);
  const ValueId k = blocks.projected_heads(self + ".k", normed, layer.self.k, rows);
  const ValueId v = blocks.projected_heads(self + ".v", normed, layer.self.v, rows);
  const ValueId attended = blocks.builder().cross_attention(self, q, k, v, kAttentionScale);
  const ValueId mixed = blocks.add_attended(self, x, attended, layer.self, rows);
  return blocks.feed_forward(name + ".mlp", mixed, layer.feed_forward);
}

Result<Graph> build_encoder(const WhisperWeights& weights, Operands operands) {
  const WhisperShape& shape = weights.shape;
  Graph graph;
  graph.name = "whisper-encoder";
  Builder b(graph);
  Blocks blocks(b, shape, operands);
  const Dim rows(shape.audio_context);
  const ValueId mel = b.input("mel", Format::kF32, {shape.mels, 2 * shape.audio_context});
  ValueId x = encoder_stem(b, weights, mel);
  for (size_t i = 0; i < weights.encoder.size(); ++i) {
    x = encoder_layer(blocks, fmt::format("encoder.{}", i), x, weights.encoder[i], rows);
  }
  const ValueId hidden = blocks.norm("hidden", x, weights.encoder_norm);
  b.output(hidden);
  for (size_t i = 0; i < weights.decoder.size(); ++i) {
    const AttentionWeights& cross = weights.decoder[i].cross;
    const auto layer = static_cast<int64_t>(i);
    const std::string name = fmt::format("decoder.{}.cross", i);
    b.output(
        blocks.heads(cross_name('k', layer), blocks.linear(name + ".k", hidden, cross.k), rows));
    b.output(
        blocks.heads(cross_name('v', layer), blocks.linear(name + ".v", hidden, cross.v), rows));
  }
  TENWATT_TRY(b.finish());
  return graph;
}

std::string self_name(char key_or_value, int64_t layer) {
  return fmt::format("self_{}_{}", key_or_value, layer);
}

/// The decoder's graph while it is built.
class Decoder {
 public:
  Decoder(const WhisperWeights& weights, Operands operands)
      : weights_(weights),
        shape_(weights.shape),
        b_(graph_),
        blocks_(b_, weights.shape, operands) {}

  Result<Graph> build() {
    graph_.name = "whisper-decoder";
    graph_.tokens = graph_.add_symbol("tokens", {1, shape_.text_context});
    graph_.wanted = graph_.add_symbol("wanted", {1, shape_.text_context});
    rows_ = Dim::symbol(*graph_.tokens);
    const ValueId ids = b_.input("ids", Format::kI32, {rows_});
    const ValueId positions = b_.input("positions", Format::kI32, {rows_});
    const ValueId wanted_rows =
        b_.input("wanted_rows", Format::kI32, {Dim::symbol(*graph_.wanted)});
    const ValueId table = b_.constant("embeddings", weights_.embeddings);
    const ValueId places = b_.constant("text_positions", weights_.text_positions);
    ValueId x = b_.add("positioned", b_.embedding("embedded", ids, table),
                       b_.gather_rows("places", places, positions));
    for (size_t i = 0; i < weights_.decoder.size(); ++i) x = layer(static_cast<int64_t>(i), x);
    const ValueId chosen = b_.gather_rows("chosen", x, wanted_rows);
    const ValueId normed = blocks_.norm("decoder.norm", chosen, weights_.decoder_norm);
    b_.output(b_.linear("logits", normed, table));
    TENWATT_TRY(b_.finish());
    return std::move(graph_);
  }

 private:
  ValueId layer(int64_t index, ValueId x) {
    const WhisperDecoderLayer& layer = weights_.decoder[static_cast<size_t>(index)];
    const std::string name = fmt::format("decoder.{}", index);
    const ValueId self = self_attention(index, name + ".self", x, layer.self);
    const ValueId cross = cross_attention(index, name + ".cross", self, layer.cross);
    return blocks_.feed_forward(name + ".mlp", cross, layer.feed_forward);
  }

  ValueId self_attention(int64_t index, const std::string& name, ValueId x,
                         const AttentionWeights& weights) {
    const std::string k_state = append_state(self_name('k', index));
    const std::string v_state = append_state(self_name('v', index));
    const ValueId normed = blocks_.norm(name + ".norm", x, weights.norm);
    const ValueId q = blocks_.projected_heads(name + ".q", normed, weights.q, rows_);
    const ValueId k = blocks_.projected_heads(name + ".k", normed, weights.k, rows_);
    const ValueId v = blocks_.projected_heads(name + ".v", normed, weights.v, rows_);
    const ValueId attended = b_.attention(
        name, q, k, v, {.scale = kAttentionScale, .k_state = k_state, .v_state = v_state});
    return blocks_.add_attended(name, x, attended, weights, rows_);
  }

  ValueId cross_attention(int64_t index, const std::string& name, ValueId x,
                          const AttentionWeights& weights) {
    const ValueId k = fixed_state(cross_name('k', index));
    const ValueId v = fixed_state(cross_name('v', index));
    const ValueId normed = blocks_.norm(name + ".norm", x, weights.norm);
    const ValueId q = blocks_.projected_heads(name + ".q", normed, weights.q, rows_);
    const ValueId attended = b_.cross_attention(name, q, k, v, kAttentionScale);
    return blocks_.add_attended(name, x, attended, weights, rows_);
  }

  std::string append_state(std::string name) {
    State state;
    state.name = name;
    state.row = {Dim(shape_.heads), Dim(kWhisperHeadDim)};
    state.rows = Dim(shape_.text_context);
    graph_.states.push_back(std::move(state));
    return name;
  }

  /// A fixed state [audio_context, heads, 64]; gives the value that reads it.
  ValueId fixed_state(const std::string& name) {
    State state;
    state.name = name;
    state.kind = StateKind::kFixed;
    state.row = {Dim(shape_.heads), Dim(kWhisperHeadDim)};
    state.rows = Dim(shape_.audio_context);
    state.read = graph_.add_value(
        name,
        {Format::kF32, {Dim(shape_.audio_context), Dim(shape_.heads), Dim(kWhisperHeadDim)}, {}});
    graph_.states.push_back(state);
    return state.read;
  }

  const WhisperWeights& weights_;
  const WhisperShape& shape_;
  Graph graph_;
  Builder b_;
  Blocks blocks_;
  Dim rows_;
};

}  // namespace

std::string cross_name(char key_or_value, int64_t layer) {
  return fmt::format("cross_{}_{}", key_or_value, layer);
}

Result<WhisperGraphs> build_whisper(const WhisperWeights& weights, devices::Precision precision) {
  const Operands operands =
      precision == devices::Precision::kFast ? Operands::kInt8 : Operands::kAsGiven;
  WhisperGraphs graphs;
  graphs.shape = weights.shape;
  graphs.decoder_layers = static_cast<int64_t>(weights.decoder.size());
  graphs.encoder = TENWATT_TRY(build_encoder(weights, operands));
  graphs.decoder = TENWATT_TRY(Decoder(weights, operands).build());
  return graphs;
}

Result<WhisperGraphs> build_whisper(const WhisperSource& source, devices::Precision precision) {
  return build_whisper(TENWATT_TRY(read_whisper_weights(source)), precision);
}

}  // namespace tenwatt::models
