// The Builder's calls, each one node of the graph.
#include "graph/ir/builder.h"

#include "graph/ops/infer.h"

namespace tenwatt::graph {

Status Builder::finish() {
  if (!status_) return status_;
  return graph_.normalise();
}

ValueId Builder::constant(std::string name, Tensor tensor) {
  return graph_.add_constant(std::move(name), std::move(tensor));
}

ValueId Builder::input(std::string name, Format format, Dims shape) {
  return graph_.add_input(std::move(name), Type{format, std::move(shape), std::nullopt});
}

ValueId Builder::dims(std::string name, const Dims& dims) {
  const auto count = static_cast<int64_t>(dims.size());
  std::vector<int64_t> numbers;
  for (const Dim& dim : dims)
    if (const auto number = dim.constant()) numbers.push_back(*number);
  if (numbers.size() == dims.size()) {
    const ValueId id = graph_.add_constant(std::move(name),
                                           Tensor::of(std::span<const int64_t>(numbers), {count}));
    graph_.value(id).known = dims;
    return id;
  }
  const ValueId id =
      graph_.add_value(std::move(name), Type{Format::kI64, {Dim(count)}, std::nullopt});
  graph_.value(id).known = dims;
  return id;
}

void Builder::output(ValueId value) {
  if (value != kNoValue) graph_.outputs.push_back(value);
}

std::vector<ValueId> Builder::node(std::string_view op, std::string name,
                                   std::vector<ValueId> inputs, Attributes attributes,
                                   size_t outputs) {
  std::vector<ValueId> made(outputs, kNoValue);
  if (!status_) return made;
  for (size_t i = 0; i < outputs; ++i)
    made[i] = graph_.add_value(i == 0 ? name : name + "_" + std::to_string(i));
  const NodeId id = graph_.add_node(
      {std::string(op), std::move(name), std::move(inputs), made, std::move(attributes)});
  status_ = infer_node(graph_, id);
  return made;
}

ValueId Builder::node(std::string_view op, std::string name, std::vector<ValueId> inputs,
                      Attributes attributes) {
  return node(op, std::move(name), std::move(inputs), std::move(attributes), 1)[0];
}

ValueId Builder::linear(std::string name, ValueId x, ValueId weight, ValueId bias,
                        Operands operands) {
  std::vector<ValueId> inputs{x, weight};
  if (bias != kNoValue) inputs.push_back(bias);
  Attributes attributes;
  if (operands == Operands::kInt8) attributes["operands"] = std::string("int8");
  return node("Linear", std::move(name), std::move(inputs), std::move(attributes));
}

ValueId Builder::embedding(std::string name, ValueId ids, ValueId table) {
  return node("Embedding", std::move(name), {ids, table});
}

ValueId Builder::conv1d(std::string name, ValueId x, ValueId weight, ValueId bias,
                        const ConvOptions& options) {
  std::vector<ValueId> inputs{x, weight};
  if (bias != kNoValue) inputs.push_back(bias);
  return node("Conv", std::move(name), std::move(inputs),
              {{"strides", std::vector<int64_t>{options.stride}},
               {"pads", std::vector<int64_t>{options.padding, options.padding}},
               {"dilations", std::vector<int64_t>{options.dilation}},
               {"group", options.groups}});
}

ValueId Builder::gated_feed_forward(std::string name, ValueId x, ValueId gate, ValueId up,
                                    ValueId down, std::string_view activation) {
  return node("GatedFeedForward", std::move(name), {x, gate, up, down},
              {{"activation", std::string(activation)}});
}

ValueId Builder::rms_norm(std::string name, ValueId x, ValueId weight, float epsilon) {
  return node("RmsNorm", std::move(name), {x, weight}, {{"epsilon", epsilon}});
}

ValueId Builder::layer_norm(std::string name, ValueId x, ValueId weight, ValueId bias,
                            float epsilon) {
  std::vector<ValueId> inputs{x, weight};
  if (bias != kNoValue) inputs.push_back(bias);
  return node("LayerNormalization", std::move(name), std::move(inputs),
              {{"epsilon", epsilon}, {"axis", int64_t{-1}}});
}

ValueId Builder::softmax(std::string name, ValueId x) {
  return node("Softmax", std::move(name), {x}, {{"axis", int64_t{-1}}});
}

ValueId Builder::rotary(std::string name, ValueId x, ValueId positions,
                        const RotaryOptions& options) {
  const bool interleaved = options.pairs == RotaryOptions::Pairs::kInterleaved;
  std::vector<ValueId> inputs{x, positions};
  if (options.factors != kNoValue) inputs.push_back(options.factors);
  return node("RotaryEmbedding", std::move(name), std::move(inputs),
              {{"base", options.base},
               {"rotary_dim", options.rotary_dim},
               {"interleaved", int64_t{interleaved}},
               {"scale", options.scale}});
}

ValueId Builder::attention(std::string name, ValueId q, ValueId k, ValueId v,
                           const AttentionOptions& options) {
  return node("Attention", std::move(name), {q, k, v},
              {{"scale", options.scale},
               {"k_state", options.k_state},
               {"v_state", options.v_state},
               {"window", options.window},
               {"softcap", options.softcap},
               {"causal", int64_t{1}}});
}

ValueId Builder::cross_attention(std::string name, ValueId q, ValueId k, ValueId v, float scale) {
  return node("CrossAttention", std::move(name), {q, k, v}, {{"scale", scale}});
}

ValueId Builder::add(std::string name, ValueId a, ValueId b) {
  return node("Add", std::move(name), {a, b});
}

ValueId Builder::sub(std::string name, ValueId a, ValueId b) {
  return node("Sub", std::move(name), {a, b});
}

ValueId Builder::mul(std::string name, ValueId a, ValueId b) {
  return node("Mul", std::move(name), {a, b});
}

ValueId Builder::gelu(std::string name, ValueId x, std::string_view approximate) {
  return node("Gelu", std::move(name), {x}, {{"approximate", std::string(approximate)}});
}

ValueId Builder::silu(std::string name, ValueId x) { return node("Silu", std::move(name), {x}); }

ValueId Builder::reshape(std::string name, ValueId x, const Dims& shape) {
  const ValueId to = dims(name + ".shape", shape);
  return node("Reshape", std::move(name), {x, to});
}

ValueId Builder::transpose(std::string name, ValueId x, std::vector<int64_t> permutation) {
  return node("Transpose", std::move(name), {x}, {{"perm", std::move(permutation)}});
}

ValueId Builder::gather_rows(std::string name, ValueId x, ValueId rows) {
  return node("Gather", std::move(name), {x, rows}, {{"axis", int64_t{0}}});
}

ValueId Builder::concat(std::string name, std::vector<ValueId> parts, int64_t axis) {
  return node("Concat", std::move(name), std::move(parts), {{"axis", axis}});
}

ValueId Builder::slice(std::string name, ValueId x, int64_t axis, const Dim& start,
                       const Dim& end) {
  const ValueId from = dims(name + ".start", {start});
  const ValueId to = dims(name + ".end", {end});
  const ValueId axes = dims(name + ".axis", {Dim(axis)});
  return node("Slice", std::move(name), {x, from, to, axes});
}

}  // namespace tenwatt::graph
