#include "devices/simnpu/limits.h"

#include <algorithm>

namespace tenwatt::simnpu {
namespace {

using devices::No;
using graph::Graph;
using graph::Node;
using graph::ValueId;

constexpr int64_t kMaxChannels = 8192;
constexpr size_t kMaxAxes = 4;

/// A reason why inputs of one operator don't fit; nullopt if they do.
using Check = std::optional<No> (*)(const Graph&, const Node&);

std::optional<No> check_convolution(const Graph& graph, const Node& node) {
  const graph::Value& weight = graph.value(node.inputs[1]);
  if (!weight.constant) {
    return No{"the weights " + weight.name + " are computed, and weights are loaded once",
              "fold them into a constant, or leave the node to the CPU"};
  }
  const bool bias = node.inputs.size() < 3 || node.inputs[2] == graph::kNoValue ||
                    graph.value(node.inputs[2]).constant;
  if (!bias) return No{"its bias is computed", "add the bias by an Add after the convolution"};
  const Shape& shape = weight.constant->shape();
  if (shape.size() != 3) {
    return No{"it has " + std::to_string(static_cast<int>(shape.size()) - 2) +
                  " spatial axes, and the convolution unit has one",
              "leave the node to the CPU"};
  }
  if (std::max(shape[0], shape[1]) > kMaxChannels) {
    return No{"it has more than " + std::to_string(kMaxChannels) + " channels",
              "split it into convolutions over fewer channels"};
  }
  if (node.op == "ConvTranspose" && node.integer("group", 1) != 1) {
    return No{"transposed convolutions in groups are not built in", "split it by groups"};
  }
  return std::nullopt;
}

std::optional<No> no_check(const Graph&, const Node&) { return std::nullopt; }

struct OperatorLimit {
  std::string_view op;
  size_t inputs;  ///< at least
  Check check;
};
constexpr OperatorLimit kOperators[] = {
    {"Add", 2, no_check},  {"Conv", 2, check_convolution}, {"ConvTranspose", 2, check_convolution},
    {"Div", 2, no_check},  {"LeakyRelu", 1, no_check},     {"Mul", 2, no_check},
    {"Relu", 1, no_check}, {"Sigmoid", 1, no_check},       {"Tanh", 1, no_check},
};

std::optional<No> check_value(const Graph& graph, ValueId id) {
  const graph::Value& value = graph.value(id);
  if (value.type.format != Format::kF32 || value.type.affine) {
    return No{value.name + " is " + std::string(info(value.type.format).name) +
                  ", and the exact mode computes in f32",
              "cast it to f32"};
  }
  if (value.type.shape.size() > kMaxAxes) {
    return No{value.name + " has more than 4 axes", "reshape it to at most 4"};
  }
  const auto names = graph.symbol_names();
  for (const graph::Dim& dim : value.type.shape) {
    if (!dim.is_constant()) {
      return No{value.name + " has an extent " + dim.to_string(names) +
                    ", and executables take one shape only",
                "choose a window"};
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<No> refusal(const Graph& graph, const Node& node) {
  const auto* limit = std::ranges::find(kOperators, std::string_view(node.op), &OperatorLimit::op);
  if (limit == std::end(kOperators)) {
    return No{"there is no unit for the operator " + node.op,
              "leave the node to the CPU, or rewrite it in Conv, ConvTranspose, Add, Mul, Div, "
              "Relu, LeakyRelu, Sigmoid and Tanh"};
  }
  const bool complete = node.inputs.size() >= limit->inputs &&
                        std::ranges::none_of(std::span(node.inputs).first(limit->inputs),
                                             [](ValueId id) { return id == graph::kNoValue; });
  if (!complete) return No{"an input is missing", "repair the model"};
  if (auto no = limit->check(graph, node)) return no;
  for (ValueId id : node.inputs) {
    if (id == graph::kNoValue) continue;
    if (auto no = check_value(graph, id)) return no;
  }
  for (ValueId id : node.outputs) {
    if (id == graph::kNoValue) continue;
    if (auto no = check_value(graph, id)) return no;
  }
  return std::nullopt;
}

}  // namespace tenwatt::simnpu
