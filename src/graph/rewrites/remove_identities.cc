// Drops nodes whose output is their first input: by definition (Identity, Dropout), or because the
// type did not change where the operator can change nothing else (Cast, Expand, Reshape, ...).
// A node that makes a graph output stays, since outputs keep their names.
#include <algorithm>
#include <array>
#include <numeric>

#include "graph/ir/kept.h"
#include "graph/ops/inference.h"
#include "graph/rewrites/optimise.h"

namespace tenwatt::graph {
namespace {

using Check = bool (*)(const Graph&, const Node&);

bool always(const Graph&, const Node&) { return true; }

bool same_type(const Graph& graph, const Node& node) {
  const Type& from = graph.value(node.inputs[0]).type;
  const Type& to = graph.value(node.outputs[0]).type;
  return from.format == to.format && from.shape == to.shape;
}

std::optional<Shape> constant_numbers(const Graph& graph, const Node& node, size_t input) {
  if (input >= node.inputs.size() || node.inputs[input] == kNoValue) return std::nullopt;
  const Value& value = graph.value(node.inputs[input]);
  const auto known = value.constant ? known_of(*value.constant) : value.known;
  return known ? numbers_of(*known) : std::nullopt;
}

/// The whole of every axis in its own order.
bool whole_slice(const Graph& graph, const Node& node) {
  if (!same_type(graph, node)) return false;
  if (node.inputs.size() < 5 || node.inputs[4] == kNoValue) return true;
  const auto steps = constant_numbers(graph, node, 4);
  return steps && std::ranges::all_of(*steps, [](int64_t step) { return step == 1; });
}

bool order_kept(const Graph&, const Node& node) {
  const auto order = node.integers("perm");
  return !order.empty() && std::ranges::is_sorted(order) && order.front() == 0;
}

bool no_padding(const Graph& graph, const Node& node) {
  const auto pads = constant_numbers(graph, node, 1);
  return pads && std::ranges::all_of(*pads, [](int64_t pad) { return pad == 0; });
}

/// Adds or takes away zeros that a ConstantOfShape makes (the sign of a zero may change).
bool adds_zeros(const Graph& graph, const Node& node) {
  if (!same_type(graph, node)) return false;
  const NodeId producer = graph.value(node.inputs[1]).producer;
  if (producer == kNoNode || graph.node(producer).op != "ConstantOfShape") return false;
  const Attribute* fill = graph.node(producer).attribute("value");
  const auto* tensor = fill ? std::get_if<Tensor>(fill) : nullptr;
  if (fill && !tensor) return false;
  return !tensor ||
         std::ranges::all_of(tensor->bytes(), [](std::byte b) { return b == std::byte{}; });
}

bool single(const Graph&, const Node& node) { return node.inputs.size() == 1; }

bool not_training(const Graph&, const Node& node) {
  return node.inputs.size() < 3 && node.outputs.size() == 1;
}

struct Row {
  std::string_view op;
  Check check;
};
constexpr std::array kRows{
    Row{"Add", adds_zeros},       Row{"Sub", adds_zeros},       Row{"Cast", same_type},
    Row{"Concat", single},        Row{"Dropout", not_training}, Row{"Expand", same_type},
    Row{"Flatten", same_type},    Row{"Identity", always},      Row{"Pad", no_padding},
    Row{"Reshape", same_type},    Row{"Slice", whole_slice},    Row{"Squeeze", same_type},
    Row{"Transpose", order_kept}, Row{"Unsqueeze", same_type},
};

}  // namespace

Result<int64_t> remove_identities(Graph& graph) {
  std::vector<ValueId> with(graph.values().size());
  std::iota(with.begin(), with.end(), 0);
  const std::vector<bool> kept = kept_values(graph);

  std::vector<NodeId> gone;
  for (size_t i = 0; i < graph.nodes().size(); ++i) {
    const Node& node = graph.nodes()[i];
    const auto row = std::ranges::find(kRows, std::string_view(node.op), &Row::op);
    if (row == kRows.end() || kept[static_cast<size_t>(node.outputs[0])]) continue;
    if (!row->check(graph, node)) continue;
    // Producers come first, so what the input stands for is settled.
    with[static_cast<size_t>(node.outputs[0])] = with[static_cast<size_t>(node.inputs[0])];
    gone.push_back(static_cast<NodeId>(i));
  }
  graph.redirect(with);
  graph.erase_nodes(gone);
  return static_cast<int64_t>(gone.size());
}

}  // namespace tenwatt::graph
