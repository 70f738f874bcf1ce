// Runs the operators' inference functions over nodes.
#include "graph/ops/infer.h"

#include "graph/ops/schema.h"

namespace tenwatt::graph {
namespace {

Status infer(Graph& graph, NodeId id, SymbolTable& symbols) {
  const Node& node = graph.node(id);
  Inference inference(graph, id, symbols);
  const Schema* schema = find_schema(node.op);
  if (!schema) {
    return fail(ErrorCode::kUnsupported, inference.where() + ": this operator is not known here",
                "docs: graph/ops lists the operators");
  }
  size_t present = node.inputs.size();
  while (present > 0 && node.inputs[present - 1] == kNoValue) --present;
  if (present < schema->min_inputs || present > schema->max_inputs) {
    return inference.wrong("it has " + std::to_string(present) + " inputs, but takes " +
                           std::to_string(schema->min_inputs) + " to " +
                           std::to_string(schema->max_inputs));
  }
  for (size_t i = 0; i < schema->min_inputs && schema->max_inputs != kAnyNumber; ++i)
    if (node.inputs[i] == kNoValue)
      return inference.wrong("its input " + std::to_string(i + 1) + " is missing");
  if (node.outputs.empty() || node.outputs.size() > schema->max_outputs) {
    return inference.wrong("it has " + std::to_string(node.outputs.size()) +
                           " outputs, but gives 1 to " + std::to_string(schema->max_outputs));
  }
  if (auto status = schema->infer(inference); !status) {
    Error error = std::move(status).error();
    const std::string title = inference.where();
    if (!error.message.starts_with(title)) error.message = title + ": " + error.message;
    return std::unexpected<Error>(std::move(error));
  }
  return {};
}

}  // namespace

Status infer_node(Graph& graph, NodeId node) {
  SymbolTable symbols(graph);
  return infer(graph, node, symbols);
}

Status infer_shapes(Graph& graph) {
  graph.assumptions.clear();
  graph.undecided.reset();
  SymbolTable symbols(graph);
  for (size_t i = 0; i < graph.nodes().size(); ++i)
    TENWATT_TRY(infer(graph, static_cast<NodeId>(i), symbols));
  return {};
}

}  // namespace tenwatt::graph
