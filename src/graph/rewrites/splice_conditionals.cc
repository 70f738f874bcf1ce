// Puts the nodes of the branch that an If takes in its place, where its condition is known.
#include "graph/ops/inference.h"
#include "graph/ops/schema.h"
#include "graph/rewrites/optimise.h"

namespace tenwatt::graph {
namespace {

std::optional<bool> decided(const Graph& graph, ValueId condition) {
  const Value& value = graph.value(condition);
  const auto known = value.constant ? known_of(*value.constant) : value.known;
  const auto numbers = known ? numbers_of(*known) : std::nullopt;
  if (!numbers || numbers->size() != 1) return std::nullopt;
  return (*numbers)[0] != 0;
}

/// Copies the branch's nodes into the graph; the values that it returns become the If's outputs.
Status splice(Graph& graph, const Node& conditional, const Graph& branch) {
  if (branch.outputs.size() != conditional.outputs.size()) {
    return fail(ErrorCode::kCorrupt,
                "If '" + conditional.name + "' and its branch have different numbers of outputs");
  }
  std::vector<ValueId> to(branch.values().size(), kNoValue);
  const auto captured = TENWATT_TRY(captured_inputs(conditional, branch));
  for (size_t i = 0; i < branch.inputs.size(); ++i)
    to[static_cast<size_t>(branch.inputs[i])] = conditional.inputs[captured[i]];

  std::vector<Node> copies;
  for (size_t i = 0; i < branch.outputs.size(); ++i) {
    ValueId& returned = to[static_cast<size_t>(branch.outputs[i])];
    const bool computed = branch.value(branch.outputs[i]).producer != kNoNode;
    if (computed && returned == kNoValue) returned = conditional.outputs[i];
  }
  const auto moved = [&](ValueId id) {
    if (id == kNoValue) return kNoValue;
    ValueId& target = to[static_cast<size_t>(id)];
    if (target != kNoValue) return target;
    const Value& value = branch.value(id);
    target = value.constant ? graph.add_constant(value.name, *value.constant)
                            : graph.add_value(value.name, value.type);
    if (value.known && value.producer == kNoNode) graph.value(target).known = value.known;
    return target;
  };
  for (const Node& node : branch.nodes()) {
    Node copy = node;
    for (ValueId& id : copy.inputs) id = moved(id);
    for (ValueId& id : copy.outputs) id = moved(id);
    copies.push_back(std::move(copy));
  }
  for (size_t i = 0; i < branch.outputs.size(); ++i) {
    const ValueId from = moved(branch.outputs[i]);
    if (from == conditional.outputs[i]) continue;
    copies.push_back({"Identity", conditional.name, {from}, {conditional.outputs[i]}, {}});
  }
  for (Node& copy : copies) graph.add_node(std::move(copy));
  return {};
}

}  // namespace

Result<int64_t> splice_conditionals(Graph& graph) {
  std::vector<NodeId> gone;
  const size_t count = graph.nodes().size();
  for (size_t i = 0; i < count; ++i) {
    const Node conditional = graph.nodes()[i];
    if (conditional.op != "If") continue;
    const auto taken = decided(graph, conditional.inputs[0]);
    if (!taken) continue;
    const Attribute* attribute = conditional.attribute(*taken ? "then_branch" : "else_branch");
    const auto* branch = attribute ? std::get_if<std::shared_ptr<const Graph>>(attribute) : nullptr;
    if (!branch || !*branch) continue;
    TENWATT_TRY(splice(graph, conditional, **branch));
    gone.push_back(static_cast<NodeId>(i));
  }
  graph.erase_nodes(gone);
  return static_cast<int64_t>(gone.size());
}

}  // namespace tenwatt::graph
