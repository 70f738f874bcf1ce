#include "exchange/older_opsets.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

namespace tenwatt::exchange {
namespace {

using graph::Attribute;
using graph::Graph;
using graph::kNoValue;
using graph::Node;
using graph::ValueId;

const std::string& output_name(const Graph& graph, const Node& node) {
  static const std::string kNone = "unused";
  if (node.outputs.empty() || node.outputs[0] == kNoValue) return kNone;
  return graph.value(node.outputs[0]).name;
}

void set_input(Node& node, size_t index, ValueId value) {
  while (node.inputs.size() <= index) node.inputs.push_back(kNoValue);
  node.inputs[index] = value;
}

ValueId add_single(Graph& graph, std::string op, std::string name, std::vector<ValueId> inputs) {
  const ValueId output = graph.add_value(name);
  graph.add_node({std::move(op), std::move(name), std::move(inputs), {output}, {}});
  return output;
}

// The attribute `key` as a constant at input `index`; nothing if the node doesn't have it.
Status to_input(Graph& graph, Node& node, std::string_view key, size_t index) {
  const Attribute* attribute = node.attribute(key);
  if (attribute == nullptr) return {};
  Tensor tensor;
  if (const auto* list = std::get_if<std::vector<int64_t>>(attribute)) {
    tensor = TENWATT_TRY(Tensor::create(Format::kI64, {std::ssize(*list)}));
    std::ranges::copy(*list, tensor.mutable_values<int64_t>().begin());
  } else if (const auto* number = std::get_if<int64_t>(attribute)) {
    tensor = Tensor::of<int64_t>({*number}, {1});
  } else if (const auto* real = std::get_if<float>(attribute)) {
    tensor = Tensor::scalar<float>(*real);
  } else {
    return fail(ErrorCode::kCorrupt, "the attribute " + std::string(key) + " is no number");
  }
  const std::string name = output_name(graph, node) + "_" + std::string(key);
  set_input(node, index, graph.add_constant(name, std::move(tensor)));
  node.attributes.erase(node.attributes.find(key));
  return {};
}

Status axes_to_input(Graph& graph, Node& node) { return to_input(graph, node, "axes", 1); }

// A float attribute as a scalar of the format that input 0 has, which is not known yet.
Status to_scalar_like(Graph& graph, Node& node, std::string_view key, size_t index) {
  const Attribute* attribute = node.attribute(key);
  if (attribute == nullptr) return {};
  if (!std::holds_alternative<float>(*attribute) || node.inputs.empty()) {
    return fail(ErrorCode::kCorrupt, "the attribute " + std::string(key) + " is no number");
  }
  TENWATT_TRY(to_input(graph, node, key, index));
  const std::string name = output_name(graph, node) + "_" + std::string(key) + "_like";
  const std::vector<ValueId> inputs{node.inputs[index], node.inputs[0]};
  set_input(node, index, add_single(graph, "CastLike", name, inputs));
  return {};
}

Status clip(Graph& graph, Node& node) {
  TENWATT_TRY(to_scalar_like(graph, node, "min", 1));
  return to_scalar_like(graph, node, "max", 2);
}

Status pad(Graph& graph, Node& node) {
  TENWATT_TRY(to_input(graph, node, "pads", 1));
  return to_scalar_like(graph, node, "value", 2);
}

Status slice(Graph& graph, Node& node) {
  TENWATT_TRY(to_input(graph, node, "starts", 1));
  TENWATT_TRY(to_input(graph, node, "ends", 2));
  return to_input(graph, node, "axes", 3);
}

Status split_sizes(Graph& graph, Node& node) { return to_input(graph, node, "split", 1); }

// Without sizes the outputs used to be counted; opset 18 wants to be told.
Status split_count(Graph&, Node& node) {
  if (node.inputs.size() < 2) {
    node.attributes.emplace("num_outputs", static_cast<int64_t>(node.outputs.size()));
  }
  return {};
}

Status dropout(Graph& graph, Node& node) { return to_input(graph, node, "ratio", 1); }
Status top_k(Graph& graph, Node& node) { return to_input(graph, node, "k", 1); }

// Until opset 12 these worked on a matrix: all axes from `axis` on were normalised together.
// Flatten, the operator over the rows, and the old shape again say the same today.
Status softmax(Graph& graph, Node& node) {
  const int64_t axis = node.integer("axis", 1);
  node.attributes.insert_or_assign("axis", int64_t{-1});
  if (axis == -1) return {};
  if (node.inputs.size() != 1 || node.outputs.size() != 1 || node.inputs[0] == kNoValue) {
    return fail(ErrorCode::kCorrupt, "it needs one input and one output");
  }
  const std::string base = output_name(graph, node);
  const ValueId input = node.inputs[0];
  const ValueId shape = add_single(graph, "Shape", base + "_shape", {input});
  const ValueId flat = graph.add_value(base + "_flat");
  graph.add_node({"Flatten", base + "_flat", {input}, {flat}, {{"axis", axis}}});
  const ValueId rows = graph.add_value(base + "_rows");
  graph.add_node({"Reshape", base + "_unflat", {rows, shape}, node.outputs, {}});
  node.inputs = {flat};
  node.outputs = {rows};
  return {};
}

// Opset 10 had the scales second and sampled at floor(x / scale).
Status resize(Graph&, Node& node) {
  if (node.inputs.size() != 2) return fail(ErrorCode::kCorrupt, "it needs two inputs");
  node.inputs = {node.inputs[0], kNoValue, node.inputs[1]};
  node.attributes.emplace("coordinate_transformation_mode", std::string("asymmetric"));
  node.attributes.emplace("nearest_mode", std::string("floor"));
  return {};
}

Status scatter(Graph&, Node& node) {
  node.op = "ScatterElements";
  return {};
}

Status batch_normalization(Graph&, Node& node) {
  if (node.integer("spatial", 1) != 1) {
    return fail(ErrorCode::kUnsupported, "normalisation that isn't per channel");
  }
  node.attributes.erase("spatial");
  return {};
}

// Runtimes read 1 as yes and everything else as no.
Status plain_flags(Graph&, Node& node) {
  for (const std::string_view key : {"allowzero", "keepdims", "noop_with_empty_axes"}) {
    const auto found = node.attributes.find(key);
    if (found == node.attributes.end()) continue;
    if (auto* number = std::get_if<int64_t>(&found->second)) *number = *number == 1 ? 1 : 0;
  }
  return {};
}

Status refused(Graph&, Node&) {
  return fail(ErrorCode::kUnsupported, "this operator's old form has no equal today",
              "convert the model with onnx.version_converter");
}

constexpr int64_t kAlways = INT64_MAX;

// Applied in this order where the model's opset is below `until`.
struct Row {
  std::string_view op;
  int64_t until;
  Status (*rewrite)(Graph&, Node&);
};

constexpr Row kRows[] = {
    {"BatchNormalization", 9, batch_normalization},
    {"Clip", 11, clip},
    {"Dropout", 12, dropout},
    {"GroupNormalization", 21, refused},
    {"Hardmax", 13, softmax},
    {"LogSoftmax", 13, softmax},
    {"Pad", 11, pad},
    {"ReduceL1", 18, axes_to_input},
    {"ReduceL2", 18, axes_to_input},
    {"ReduceLogSum", 18, axes_to_input},
    {"ReduceLogSumExp", 18, axes_to_input},
    {"ReduceMax", 18, axes_to_input},
    {"ReduceMean", 18, axes_to_input},
    {"ReduceMin", 18, axes_to_input},
    {"ReduceProd", 18, axes_to_input},
    {"ReduceSum", 13, axes_to_input},
    {"ReduceSumSquare", 18, axes_to_input},
    {"Resize", 11, resize},
    {"Scan", 9, refused},
    {"Scatter", kAlways, scatter},
    {"Slice", 10, slice},
    {"Softmax", 13, softmax},
    {"Split", 13, split_sizes},
    {"Split", 18, split_count},
    {"Squeeze", 13, axes_to_input},
    {"TopK", 10, top_k},
    {"Unsqueeze", 13, axes_to_input},
    {"Upsample", kAlways, refused},
};

}  // namespace

bool is_older_operator(std::string_view op) {
  return std::ranges::find(kRows, op, &Row::op) != std::end(kRows);
}

Status modernise(Graph& graph, Node& node, int64_t opset) {
  TENWATT_TRY(plain_flags(graph, node));
  for (const Row& row : kRows) {
    if (row.op == node.op && opset < row.until) TENWATT_TRY(row.rewrite(graph, node));
  }
  return {};
}

}  // namespace tenwatt::exchange
