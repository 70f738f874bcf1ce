// The graph: SSA with ONNX operator semantics plus a short list of our own operators.
//
// A graph is canonical: it is what devices claim, what is explained, tapped, verified and hashed.
// Values keep their source name for life. Shapes are expressions over bounded symbols; small
// integer tensors that become shapes are known symbolically (Value::known), so a graph is planned
// once and bound to numbers cheaply.
//
// Sequence models have one `tokens` axis (axis 0 of their values) and no batch axis; what a
// sequence keeps between runs is declared as a State.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "graph/ir/dim.h"
#include "numbers/tensor.h"

namespace tenwatt::graph {

class Graph;

using ValueId = int32_t;
using NodeId = int32_t;
inline constexpr ValueId kNoValue = -1;  ///< an optional input that is absent
inline constexpr NodeId kNoNode = -1;

/// real = (stored - zero_point) * scale, per tensor or along `axis`.
struct Affine {
  std::vector<float> scale;
  std::vector<int32_t> zero_point;
  int64_t axis = -1;  ///< -1: per tensor
};

struct Type {
  Format format = Format::kF32;
  Dims shape;
  std::optional<Affine> affine;
};

using Attribute =
    std::variant<int64_t, float, std::string, std::vector<int64_t>, std::vector<float>,
                 std::vector<std::string>, Tensor, std::shared_ptr<const Graph>>;

/// A named, bounded dimension. Inputs bind it when a run starts; one with a `source` is bound when
/// that value has been computed, which ends a plan's segment.
struct Symbol {
  std::string name;
  Range bounds;
  /// Where the number comes from, for data-dependent symbols.
  struct Source {
    ValueId value = kNoValue;
    /// Element of an integer tensor, or the axis of a value whose extent its node decides
    /// (NonZero).
    int64_t index = 0;
    enum class Kind : uint8_t { kElement, kExtent } kind = Kind::kElement;
  };
  std::optional<Source> source;
};

struct Value {
  std::string name;
  Type type;
  /// Weights and other values known before any run.
  std::optional<Tensor> constant;
  /// The elements of a small integer tensor (row-major) as expressions, where inference knows them.
  std::optional<Dims> known;
  NodeId producer = kNoNode;
};

struct Node {
  std::string op;    ///< ONNX operator, or one of ours (docs: graph/ops)
  std::string name;  ///< source name, for reports
  std::vector<ValueId> inputs;
  std::vector<ValueId> outputs;
  std::map<std::string, Attribute, std::less<>> attributes;

  const Attribute* attribute(std::string_view key) const;
  int64_t integer(std::string_view key, int64_t fallback) const;
  float real(std::string_view key, float fallback) const;
  std::string text(std::string_view key, std::string_view fallback) const;
  std::vector<int64_t> integers(std::string_view key, std::vector<int64_t> fallback = {}) const;
};

/// What a sequence keeps between runs.
enum class StateKind : uint8_t {
  kAppend,  ///< one row per token, kept in pages (KV cache)
  kRing,    ///< the last `rows` rows (sliding window, convolution history)
  kValue,   ///< replaced whole by each run (recurrent state)
  kFixed,   ///< set once per sequence, read by every run (cross-attention K/V)
};

/// Named resource of a sequence. A run reads the committed content and writes past it; the session
/// commits after the whole run succeeded.
///  - kAppend: consumed and extended by an Attention node that names it (attributes `k_state`,
///    `v_state`); `row` is the shape of one row, e.g. [kv_heads, head_dim].
///  - kRing: `read` holds the last `rows` rows before this run ([rows, row...]); `write` holds the
///    rows that this run adds ([n, row...]).
///  - kValue: `read` holds the old content ([row...]), `write` the new one.
///  - kFixed: `read` holds the content ([rows, row...]); nothing writes it in a run.
struct State {
  std::string name;
  StateKind kind = StateKind::kAppend;
  Format format = Format::kF32;
  Dims row;
  Dim rows;  ///< kRing, kFixed: extent of axis 0; kAppend: capacity
  ValueId read = kNoValue;
  ValueId write = kNoValue;
};

/// Two extents that inference could not compare and took as equal. Whoever binds symbols checks
/// them, since shapes were planned on their word.
struct Assumption {
  Dim a;
  Dim b;
  std::string where;  ///< the node that needs it, for the error
};

class Graph {
 public:
  std::string name;

  // Symbols.
  SymbolId add_symbol(std::string name, Range bounds);
  std::optional<SymbolId> find_symbol(std::string_view name) const;
  const std::vector<Symbol>& symbols() const { return symbols_; }
  Symbol& symbol(SymbolId id) { return symbols_[static_cast<size_t>(id)]; }
  const Symbol& symbol(SymbolId id) const { return symbols_[static_cast<size_t>(id)]; }
  std::vector<Range> symbol_ranges() const;
  std::vector<std::string> symbol_names() const;

  // Values. Names are unique; an empty or taken name gets a suffix.
  ValueId add_value(std::string name, Type type = {});
  ValueId add_constant(std::string name, Tensor tensor);
  ValueId add_input(std::string name, Type type);
  Value& value(ValueId id) { return values_[static_cast<size_t>(id)]; }
  const Value& value(ValueId id) const { return values_[static_cast<size_t>(id)]; }
  const std::vector<Value>& values() const { return values_; }
  std::optional<ValueId> find_value(std::string_view name) const;

  // Nodes, kept in an order in which every producer precedes its consumers.
  NodeId add_node(Node node);
  const std::vector<Node>& nodes() const { return nodes_; }
  Node& node(NodeId id) { return nodes_[static_cast<size_t>(id)]; }
  const Node& node(NodeId id) const { return nodes_[static_cast<size_t>(id)]; }
  /// Takes nodes out; their outputs have no producer then. Renumbers the others.
  void erase_nodes(std::span<const NodeId> ids);
  /// Lets every node, output and state write that uses value v use `with[v]` instead.
  void redirect(std::span<const ValueId> with);

  // Interface.
  std::vector<ValueId> inputs;
  std::vector<ValueId> outputs;
  std::vector<State> states;
  /// The symbol of the one `tokens` axis of a sequence model, if it is one.
  std::optional<SymbolId> tokens;
  /// The symbol of the number of wanted rows (outputs of a sequence model have `wanted` rows).
  std::optional<SymbolId> wanted;

  /// Set by infer_shapes; see check_assumptions.
  std::vector<Assumption> assumptions;
  /// Set by infer_shapes where it fails because this value has to be constant: whoever knows its
  /// content can go on.
  std::optional<ValueId> undecided;
  /// For a plan that serves one run only: integers that become extents have to be constant, too.
  /// Else inference makes symbols of them, with bounds that the run's numbers may not keep.
  bool one_run = false;
  /// Bytes of constants that folding made, all in all; it stops at a budget.
  int64_t folded_bytes = 0;

  /// An error names the first assumption that these bindings break; one whose symbols are not all
  /// bound yet is left for later.
  Status check_assumptions(const Bindings& bindings) const;

  std::optional<size_t> find_state(std::string_view name) const;
  bool is_input(ValueId id) const;
  bool is_output(ValueId id) const;
  /// For each value, the nodes that read it, ascending.
  std::vector<std::vector<NodeId>> consumers() const;

  /// Sorts nodes into producer-before-consumer order and sets Value::producer; an error names a
  /// cycle, a value without a source, or one with two.
  Status normalise();
  /// Drops nodes and values that no output or state write needs, renumbering ids.
  void compact();
  /// "input [1, 80, frames] f32" for reports and errors.
  std::string describe(ValueId id) const;

 private:
  std::vector<Symbol> symbols_;
  std::vector<Value> values_;
  std::vector<Node> nodes_;
  std::map<std::string, ValueId, std::less<>> by_name_;
  std::map<std::string, SymbolId, std::less<>> symbols_by_name_;  ///< the first of each name
};

/// The part of `graph` that computes `outputs` from `inputs`, as a graph of its own: the given
/// inputs become graph inputs, constants and symbols come along, names stay. An error names a value
/// that the cut would need besides `inputs`.
Result<Graph> extract(const Graph& graph, std::span<const ValueId> inputs,
                      std::span<const ValueId> outputs);

}  // namespace tenwatt::graph
