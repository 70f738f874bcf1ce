// Boolean-mask indexing without data-dependent extents. Exporters spell
//
//   y[mask] = f(x[mask], w[mask])   as   i = NonZero(mask); ScatterND(y, i, f(GatherND(x, i), ...))
//
// where f treats every row by itself. Computing f for all elements and selecting,
// Where(mask, f(x, w), y), gives the same numbers, and extents no longer depend on data. Rows
// outside the mask must not fail: where f looks up by index and the mask is lo <= x <= hi, f gets
// Clip(x, lo, hi), which is x on every row that is kept. (The rational-quadratic spline flows of
// VITS, arXiv 2106.06103, are made of this; the splines are of arXiv 1906.04032.)
#include <algorithm>
#include <array>
#include <set>

#include "graph/ir/builder.h"
#include "graph/ops/inference.h"
#include "graph/rewrites/optimise.h"

namespace tenwatt::graph {
namespace {

/// Everything that is indexed by one mask.
struct Region {
  ValueId mask = kNoValue;
  std::vector<NodeId> gathers;
  std::vector<NodeId> scatters;
  std::vector<SymbolId> extents;  ///< the number of rows in the mask, once per NonZero
  std::set<ValueId> indices;      ///< Transpose(NonZero(mask))
  bool looks_up = false;          ///< f indexes by what it computes
};

using Consumers = std::vector<std::vector<NodeId>>;

const std::vector<NodeId>& readers(const Consumers& consumers, ValueId id) {
  return consumers[static_cast<size_t>(id)];
}

/// How an operator treats rows that lie along axis 0.
enum class Rows : uint8_t {
  kElementwise,  ///< with broadcasting
  kLastAxes,     ///< works along axes that an attribute or input names; must not name axis 0
  kLookup,       ///< as kLastAxes, by indices that may be computed
  kReshape,      ///< keeps the order of elements; rows must stay axis 0
};
struct RowRule {
  std::string_view op;
  Rows rows;
};
constexpr std::array kRules{
    RowRule{"Abs", Rows::kElementwise},
    RowRule{"Add", Rows::kElementwise},
    RowRule{"And", Rows::kElementwise},
    RowRule{"Cast", Rows::kElementwise},
    RowRule{"Ceil", Rows::kElementwise},
    RowRule{"Clip", Rows::kElementwise},
    RowRule{"Div", Rows::kElementwise},
    RowRule{"Equal", Rows::kElementwise},
    RowRule{"Erf", Rows::kElementwise},
    RowRule{"Exp", Rows::kElementwise},
    RowRule{"Floor", Rows::kElementwise},
    RowRule{"Greater", Rows::kElementwise},
    RowRule{"GreaterOrEqual", Rows::kElementwise},
    RowRule{"Less", Rows::kElementwise},
    RowRule{"LessOrEqual", Rows::kElementwise},
    RowRule{"Log", Rows::kElementwise},
    RowRule{"Max", Rows::kElementwise},
    RowRule{"Min", Rows::kElementwise},
    RowRule{"Mul", Rows::kElementwise},
    RowRule{"Neg", Rows::kElementwise},
    RowRule{"Not", Rows::kElementwise},
    RowRule{"Or", Rows::kElementwise},
    RowRule{"Pow", Rows::kElementwise},
    RowRule{"Reciprocal", Rows::kElementwise},
    RowRule{"Relu", Rows::kElementwise},
    RowRule{"Sigmoid", Rows::kElementwise},
    RowRule{"Softplus", Rows::kElementwise},
    RowRule{"Sqrt", Rows::kElementwise},
    RowRule{"Sub", Rows::kElementwise},
    RowRule{"Tanh", Rows::kElementwise},
    RowRule{"Where", Rows::kElementwise},
    RowRule{"Concat", Rows::kLastAxes},
    RowRule{"CumSum", Rows::kLastAxes},
    RowRule{"Gather", Rows::kLastAxes},
    RowRule{"GatherElements", Rows::kLookup},
    RowRule{"Pad", Rows::kLastAxes},
    RowRule{"ReduceMax", Rows::kLastAxes},
    RowRule{"ReduceMean", Rows::kLastAxes},
    RowRule{"ReduceMin", Rows::kLastAxes},
    RowRule{"ReduceSum", Rows::kLastAxes},
    RowRule{"Reshape", Rows::kReshape},
    RowRule{"Slice", Rows::kLastAxes},
    RowRule{"Softmax", Rows::kLastAxes},
    RowRule{"Squeeze", Rows::kReshape},
    RowRule{"Unsqueeze", Rows::kReshape},
};

class RegionCheck {
 public:
  RegionCheck(const Graph& graph, const Consumers& consumers, Region& region)
      : graph_(graph), consumers_(consumers), region_(region) {}

  /// Follows every gathered value to the scatters of the same mask; false if a row could reach
  /// anything else.
  bool closed() {
    for (const NodeId id : region_.gathers) reach(graph_.node(id).outputs[0]);
    while (!queue_.empty()) {
      const ValueId id = queue_.back();
      queue_.pop_back();
      if (graph_.is_output(id) || is_written(id)) return false;
      for (const NodeId reader : readers(consumers_, id))
        if (!follow(id, reader)) return false;
    }
    // Operands that join late, such as a constant of one number per row, must be rows as well.
    for (const NodeId id : visited_)
      if (!operands_fit(graph_.node(id))) return false;
    return true;
  }

 private:
  bool is_extent(const Dim& dim) const {
    return std::ranges::any_of(region_.extents,
                               [&](SymbolId id) { return dim == Dim::symbol(id); });
  }
  bool mentions_extent(const Dim& dim) const {
    return std::ranges::any_of(region_.extents, [&](SymbolId id) { return dim.mentions(id); });
  }
  /// Axis 0 are the rows, and no other axis depends on how many there are.
  bool is_rows(ValueId id) const {
    const Dims& shape = graph_.value(id).type.shape;
    return !shape.empty() && is_extent(shape[0]) &&
           std::none_of(shape.begin() + 1, shape.end(),
                        [&](const Dim& dim) { return mentions_extent(dim); });
  }
  bool is_written(ValueId id) const {
    return std::ranges::any_of(graph_.states,
                               [&](const State& state) { return state.write == id; });
  }

  void reach(ValueId id) {
    if (reached_.insert(id).second) queue_.push_back(id);
  }

  bool follow(ValueId id, NodeId reader) {
    const Node& node = graph_.node(reader);
    if (node.op == "ScatterND") {
      return std::ranges::find(region_.scatters, reader) != region_.scatters.end() &&
             node.inputs[2] == id && node.inputs[0] != id;
    }
    const auto rule = std::ranges::find(kRules, std::string_view(node.op), &RowRule::op);
    if (rule == kRules.end() || !visited_.insert(reader).second) return rule != kRules.end();
    if (rule->rows == Rows::kLookup) region_.looks_up = true;
    for (const ValueId output : node.outputs) {
      if (output == kNoValue) continue;
      if (!is_rows(output)) return false;
      reach(output);
    }
    return axes_fit(node, rule->rows);
  }

  std::optional<Shape> numbers(const Node& node, size_t input) const {
    if (input >= node.inputs.size() || node.inputs[input] == kNoValue) return std::nullopt;
    const Value& value = graph_.value(node.inputs[input]);
    const auto known = value.constant ? known_of(*value.constant) : value.known;
    return known ? numbers_of(*known) : std::nullopt;
  }

  /// The axes that the operator works along are not the rows'.
  bool axes_fit(const Node& node, Rows rows) const {
    if (rows == Rows::kElementwise || rows == Rows::kReshape) return true;
    const auto rank = static_cast<int64_t>(graph_.value(node.inputs[0]).type.shape.size());
    const auto beside_rows = [&](int64_t axis) { return (axis < 0 ? axis + rank : axis) > 0; };
    const auto all_beside = [&](const std::optional<Shape>& axes) {
      return axes && !axes->empty() && std::ranges::all_of(*axes, beside_rows);
    };
    if (node.op == "CumSum") return all_beside(numbers(node, 1));
    if (node.op == "Slice") return all_beside(numbers(node, 3));
    if (node.op.starts_with("Reduce")) {
      const auto given = node.integers("axes");
      return all_beside(given.empty() ? numbers(node, 1) : given);
    }
    if (node.op == "Pad") {
      const auto pads = numbers(node, 1);
      if (!pads || pads->size() != static_cast<size_t>(2 * rank)) return false;
      return node.inputs.size() < 4 && (*pads)[0] == 0 && (*pads)[static_cast<size_t>(rank)] == 0 &&
             node.text("mode", "constant") == "constant";
    }
    // Softmax's default is its last axis, the others' is axis 0.
    return beside_rows(node.integer("axis", node.op == "Softmax" ? -1 : 0));
  }

  /// What the rows are combined with has either rows of its own or the same for all of them.
  bool operands_fit(const Node& node) const {
    const auto rule = std::ranges::find(kRules, std::string_view(node.op), &RowRule::op);
    const Dims& result = graph_.value(node.outputs[0]).type.shape;
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      const ValueId id = node.inputs[i];
      if (id == kNoValue) continue;
      const bool is_operand = rule->rows == Rows::kElementwise || node.op == "Concat" ||
                              node.op == "GatherElements" || i == 0;
      if (reached_.contains(id)) {
        // Rows must meet rows: aligned at the right, axis 0 with axis 0.
        if (!is_operand || !is_rows(id)) return false;
        if (rule->rows == Rows::kElementwise && graph_.value(id).type.shape.size() != result.size())
          return false;
        continue;
      }
      if (rule->rows == Rows::kReshape && i == 1) continue;
      // Bounds, pads and axes are the same for all rows if they are numbers.
      if (!is_operand && numbers(node, i)) continue;
      if (!same_for_all_rows(id, result.size())) return false;
    }
    return true;
  }

  bool same_for_all_rows(ValueId id, size_t rank) const {
    const Value& value = graph_.value(id);
    const Dims& shape = value.type.shape;
    if (std::ranges::any_of(shape, [&](const Dim& dim) { return mentions_extent(dim); })) {
      const bool filled =
          value.producer != kNoNode && graph_.node(value.producer).op == "ConstantOfShape";
      return is_filled(id, 0) || (filled && is_rows(id) && shape.size() == rank);
    }
    if (value.known &&
        std::ranges::any_of(*value.known, [&](const Dim& dim) { return mentions_extent(dim); }))
      return false;
    return shape.size() < rank || shape.empty() || shape[0] == Dim(1);
  }

  /// One number everywhere, whatever the shape: a ConstantOfShape, reshaped or repeated.
  bool is_filled(ValueId id, int depth) const {
    constexpr int kMaxDepth = 8;
    const NodeId producer = graph_.value(id).producer;
    if (producer == kNoNode || depth > kMaxDepth || !is_rows(id)) return false;
    const Node& node = graph_.node(producer);
    if (node.op == "ConstantOfShape") return true;
    const bool passes = node.op == "Reshape" || node.op == "Unsqueeze" || node.op == "Squeeze" ||
                        node.op == "Expand";
    return passes && is_filled(node.inputs[0], depth + 1);
  }

  const Graph& graph_;
  const Consumers& consumers_;
  Region& region_;
  std::set<ValueId> reached_;
  std::set<NodeId> visited_;
  std::vector<ValueId> queue_;
};

bool turns_index(const Node& node) {
  const auto order = node.integers("perm");
  return node.op == "Transpose" && (order.empty() || order == std::vector<int64_t>{1, 0});
}

/// Collects what reads the rows of a NonZero; false if anything else than mask indexing does.
bool collect(const Graph& graph, const Consumers& consumers, NodeId non_zero, Region& region) {
  const Node& node = graph.node(non_zero);
  const ValueId found = node.outputs[0];
  if (graph.is_output(found)) return false;
  const auto extent = graph.value(found).type.shape[1].symbols();
  if (extent.size() != 1) return false;
  region.extents.push_back(extent[0]);
  const Dims& mask = graph.value(region.mask).type.shape;
  for (const NodeId turn : readers(consumers, found)) {
    if (!turns_index(graph.node(turn))) return false;
    const ValueId index = graph.node(turn).outputs[0];
    if (graph.is_output(index)) return false;
    region.indices.insert(index);
    for (const NodeId reader : readers(consumers, index)) {
      const Node& user = graph.node(reader);
      const Dims& data = graph.value(user.inputs[0]).type.shape;
      if (user.inputs.size() < 2 || user.inputs[1] != index || data.size() < mask.size() ||
          !std::equal(mask.begin(), mask.end(), data.begin()))
        return false;
      if (user.op == "GatherND" && user.integer("batch_dims", 0) == 0) {
        region.gathers.push_back(reader);
      } else if (user.op == "ScatterND" && user.text("reduction", "none") == "none" &&
                 data.size() == mask.size() && user.inputs[2] != index) {
        region.scatters.push_back(reader);
      } else {
        return false;
      }
    }
  }
  return true;
}

/// lo <= x <= hi, as And(GreaterOrEqual(x, lo), LessOrEqual(x, hi)) in either order.
struct Interval {
  ValueId x = kNoValue;
  ValueId low = kNoValue;
  ValueId high = kNoValue;
};
std::optional<Interval> interval_of(const Graph& graph, ValueId mask) {
  const auto made_by = [&](ValueId id, std::string_view op) -> const Node* {
    const NodeId producer = graph.value(id).producer;
    if (producer == kNoNode || graph.node(producer).op != op) return nullptr;
    return &graph.node(producer);
  };
  const Node* both = made_by(mask, "And");
  if (!both) return std::nullopt;
  for (const auto& [first, second] : {std::pair{0, 1}, std::pair{1, 0}}) {
    const Node* above = made_by(both->inputs[static_cast<size_t>(first)], "GreaterOrEqual");
    const Node* below = made_by(both->inputs[static_cast<size_t>(second)], "LessOrEqual");
    if (!above || !below || above->inputs[0] != below->inputs[0]) continue;
    const Interval out{above->inputs[0], above->inputs[1], below->inputs[1]};
    for (const ValueId bound : {out.low, out.high}) {
      const auto& constant = graph.value(bound).constant;
      if (!constant || constant->count() != 1 || constant->rank() != 0) return std::nullopt;
    }
    return out;
  }
  return std::nullopt;
}

/// Replaces the gathers, scatters and extents of a region that RegionCheck has found closed.
Status make_dense(Graph& graph, const Region& region) {
  const Dims mask = graph.value(region.mask).type.shape;
  Dim total(1);
  for (const Dim& dim : mask) total = total * dim;
  Builder builder(graph);
  ValueId clipped = kNoValue;
  const auto interval = region.looks_up ? interval_of(graph, region.mask) : std::nullopt;
  if (interval) {
    clipped = builder.node("Clip", graph.value(interval->x).name + ".clipped",
                           {interval->x, interval->low, interval->high});
  }
  if (builder.failed()) return builder.finish();
  for (const NodeId id : region.gathers) {
    const Node node = graph.node(id);
    const Dims data = graph.value(node.inputs[0]).type.shape;
    Dims rows{total};
    rows.insert(rows.end(), data.begin() + static_cast<ptrdiff_t>(mask.size()), data.end());
    const bool is_looked_up = interval && node.inputs[0] == interval->x;
    const ValueId shape = builder.dims(node.name + ".shape", rows);
    Node& dense = graph.node(id);
    dense.op = "Reshape";
    dense.inputs = {is_looked_up ? clipped : node.inputs[0], shape};
    dense.attributes.clear();
  }
  for (const NodeId id : region.scatters) {
    const Node node = graph.node(id);
    const ValueId shape = builder.dims(node.name + ".shape", mask);
    const ValueId all = graph.add_value(node.name + ".all");
    graph.add_node({"Reshape", node.name + ".all", {node.inputs[2], shape}, {all}, {}});
    Node& select = graph.node(id);
    select.op = "Where";
    select.inputs = {region.mask, all, node.inputs[0]};
    select.attributes.clear();
  }
  // The number of rows in the mask is now the number of all rows.
  for (size_t i = 0; i < graph.values().size(); ++i) {
    Value& value = graph.value(static_cast<ValueId>(i));
    for (const SymbolId extent : region.extents) {
      for (Dim& dim : value.type.shape) dim = dim.substituted(extent, total);
      if (!value.known) continue;
      for (Dim& dim : *value.known) dim = dim.substituted(extent, total);
    }
  }
  return {};
}

}  // namespace

Result<int64_t> dense_boolean_mask(Graph& graph) {
  const Consumers consumers = graph.consumers();
  std::map<ValueId, std::vector<NodeId>> by_mask;
  for (size_t i = 0; i < graph.nodes().size(); ++i) {
    const Node& node = graph.nodes()[i];
    if (node.op != "NonZero") continue;
    if (graph.value(node.inputs[0]).type.format != Format::kBool) continue;
    by_mask[node.inputs[0]].push_back(static_cast<NodeId>(i));
  }
  std::vector<Region> closed;
  for (const auto& [mask, non_zeros] : by_mask) {
    Region region;
    region.mask = mask;
    const bool plain = std::ranges::all_of(
        non_zeros, [&](NodeId id) { return collect(graph, consumers, id, region); });
    if (!plain || region.scatters.empty()) continue;
    if (!RegionCheck(graph, consumers, region).closed()) continue;
    if (region.looks_up && !interval_of(graph, mask)) continue;
    closed.push_back(std::move(region));
  }
  for (const Region& region : closed) TENWATT_TRY(make_dense(graph, region));
  return static_cast<int64_t>(closed.size());
}

}  // namespace tenwatt::graph
