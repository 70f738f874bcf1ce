// Lowering: from a node with concrete shapes to a step, by one table from operator to function.
// A lowering decides nothing about memory: it says which values its step reads, and the binding
// (cpu/binding.h) places them.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "devices/cpu/lower/step.h"
#include "devices/cpu/pack/weights.h"
#include "graph/ir/graph.h"

namespace tenwatt::cpu {

/// What a lowering sees. Shapes are concrete for every value of the node.
struct LowerInput {
  const graph::Graph& graph;
  const graph::Node& node;
  const std::vector<Shape>& shapes;  ///< by ValueId
  const graph::Bindings& bindings;
  const Weights& weights;
  const Setup& setup;

  size_t input_count() const { return node.inputs.size(); }
  bool has(size_t index) const {
    return index < node.inputs.size() && node.inputs[index] != graph::kNoValue;
  }
  graph::ValueId in(size_t index) const { return node.inputs[index]; }
  graph::ValueId out(size_t index = 0) const { return node.outputs[index]; }
  const Shape& shape(graph::ValueId id) const { return shapes[static_cast<size_t>(id)]; }
  const Shape& in_shape(size_t index) const { return shape(in(index)); }
  const Shape& out_shape(size_t index = 0) const { return shape(out(index)); }
  Format format(graph::ValueId id) const { return graph.value(id).type.format; }
  Format in_format(size_t index) const { return format(in(index)); }
  bool is_constant(graph::ValueId id) const { return graph.value(id).constant.has_value(); }
  /// The elements of an integer tensor that is constant or known symbolically; nullopt otherwise.
  std::optional<std::vector<int64_t>> integers(graph::ValueId id) const;
  /// The value of a constant f32 scalar or one-element tensor.
  std::optional<float> scalar(graph::ValueId id) const;
};

/// `output` is the memory of `input` from `offset` on.
struct Alias {
  graph::ValueId output;
  graph::ValueId input;
  size_t offset = 0;
};

/// The rows of a value as int8 blocks (QuantBlock), a value of its own: one for all its readers.
struct Quantised {
  graph::ValueId x = graph::kNoValue;
  int64_t rows = 0;
  int64_t k = 0;
};
/// The id under which steps find the blocks of x.
inline graph::ValueId blocks_of(const graph::Graph& graph, graph::ValueId x) {
  return x + static_cast<graph::ValueId>(graph.values().size());
}
size_t quantised_bytes(const Quantised& quantised);
/// The step that makes them.
Step quantise_step(const Setup& setup, const Quantised& quantised, graph::ValueId blocks);

struct Lowered {
  std::optional<Step> step;
  std::vector<graph::ValueId> reads;  ///< values whose memory the step reads
  std::vector<Quantised> quantised;   ///< values whose blocks the step reads
  std::vector<Alias> aliases;         ///< outputs that need no step
};

/// Makes the step of a node; an empty optional inside a success means "not by this lowering": the
/// reference kernel takes the node.
using Lowering = Result<std::optional<Lowered>> (*)(const LowerInput&);

/// A row of the operator table.
struct OperatorRow {
  std::string_view op;
  std::string_view kernel;  ///< the name that claims and reports give to it
  Lowering lower;
};

/// The row of an operator, or null where only a reference kernel exists.
const OperatorRow* find_operator(std::string_view op);

/// Every operator of the table.
std::vector<std::string_view> lowered_operators();

/// Lowers by the table; a node over 16-bit floats that has no kernel of its own is computed in f32
/// and rounded once; what remains takes the reference kernel.
Result<Lowered> lower_node(const LowerInput& input);

/// The step that runs the reference kernel on member 0.
Result<Lowered> lower_reference(const LowerInput& input);

/// The node over f32 copies of its 16-bit floats; an empty optional where it has none, or where it
/// has no kernel over f32 either.
Result<std::optional<Lowered>> lower_widened(const LowerInput& input);

/// Groups of rows, one list per family (lower/<family>.cc).
std::span<const OperatorRow> alias_operators();
std::span<const OperatorRow> movement_operators();
std::span<const OperatorRow> elementwise_operators();
std::span<const OperatorRow> broadcast_operators();
std::span<const OperatorRow> reduction_operators();
std::span<const OperatorRow> matmul_operators();
std::span<const OperatorRow> convolution_operators();
std::span<const OperatorRow> linear_operators();
std::span<const OperatorRow> sequence_operators();
std::span<const OperatorRow> attention_operators();
std::span<const OperatorRow> recurrent_operators();
std::span<const OperatorRow> quantise_operators();
std::span<const OperatorRow> integer_product_operators();
std::span<const OperatorRow> integer_convolution_operators();
std::span<const OperatorRow> pooling_operators();
std::span<const OperatorRow> indexing_operators();
std::span<const OperatorRow> conditional_operators();

}  // namespace tenwatt::cpu
