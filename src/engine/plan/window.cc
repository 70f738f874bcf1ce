#include "engine/plan/window.h"

#include <algorithm>
#include <map>
#include <optional>

namespace tenwatt::engine {

using graph::Dim;
using graph::Graph;
using graph::kNoValue;
using graph::Node;
using graph::SymbolId;
using graph::Value;
using graph::ValueId;

namespace {

/// What is known of a value that has the windowed axis: where it is, its rate, and how many rows at
/// either end an edge that is no true edge may have touched.
struct Reach {
  int64_t axis = 0;
  int64_t rate = 1;
  int64_t left = 0;
  int64_t right = 0;
};

using Operands = std::vector<std::optional<Reach>>;  // by input; nullopt: has no such axis

int64_t rank(const Graph& graph, ValueId id) {
  return static_cast<int64_t>(graph.value(id).type.shape.size());
}

int64_t positive(int64_t axis, int64_t rank) { return axis < 0 ? axis + rank : axis; }

std::unexpected<Error> refuse(const Node& node, const std::string& reason) {
  return fail(ErrorCode::kUnsupported,
              "node " + node.name + " (" + node.op + ") can't run in windows: " + reason,
              "run this part whole, on a device that takes dynamic shapes");
}

/// Merges operands of one rate whose axes are given from the end (broadcasting aligns there).
Result<std::optional<Reach>> broadcast(const Graph& graph, const Node& node,
                                       const Operands& operands) {
  std::optional<Reach> merged;
  const int64_t out_rank = rank(graph, node.outputs[0]);
  for (size_t i = 0; i < operands.size(); ++i) {
    if (!operands[i]) continue;
    Reach reach = *operands[i];
    reach.axis += out_rank - rank(graph, node.inputs[i]);
    if (!merged) {
      merged = reach;
      continue;
    }
    if (merged->axis != reach.axis || merged->rate != reach.rate) {
      return refuse(node, "its operands have the axis in different places");
    }
    merged->left = std::max(merged->left, reach.left);
    merged->right = std::max(merged->right, reach.right);
  }
  return merged;
}

Result<std::optional<Reach>> convolution(const Graph& graph, const Node& node,
                                         const Operands& operands) {
  if (!operands[0] || operands[0]->axis < 2) return refuse(node, "the axis is not a spatial one");
  for (size_t i = 1; i < operands.size(); ++i) {
    if (operands[i]) return refuse(node, "its weights depend on the axis");
  }
  Reach reach = *operands[0];
  const auto spatial = static_cast<size_t>(reach.axis - 2);
  const int64_t ranks = rank(graph, node.inputs[0]) - 2;
  const auto kernel =
      graph.value(node.inputs[1]).type.shape[static_cast<size_t>(reach.axis)].constant();
  if (!kernel) return refuse(node, "its kernel size is not a constant");
  if (node.text("auto_pad", "NOTSET") != "NOTSET") return refuse(node, "auto_pad is not resolved");
  const std::vector<int64_t> ones(static_cast<size_t>(ranks), 1);
  const std::vector<int64_t> zeros(static_cast<size_t>(2 * ranks), 0);
  const int64_t stride = node.integers("strides", ones)[spatial];
  const int64_t dilation = node.integers("dilations", ones)[spatial];
  const auto pads = node.integers("pads", zeros);
  const int64_t begin = pads[spatial];
  const int64_t end = pads[spatial + static_cast<size_t>(ranks)];
  const int64_t span = dilation * (*kernel - 1) + 1;
  if (node.op == "Conv") {
    if (stride != 1)
      return refuse(node, "a stride of " + std::to_string(stride) + " changes the rate");
    if (begin < 0 || end < 0) return refuse(node, "its padding is negative");
    // Output t reads inputs t - begin .. t - begin + span - 1.
    if (begin + end != span - 1) return refuse(node, "it changes the length");
    reach.left += begin;
    reach.right += end;
    return reach;
  }
  const int64_t extra = node.integers("output_padding", zeros)[spatial];
  if (span + extra - begin - end != stride) return refuse(node, "it changes the length");
  // Input t reaches outputs t * stride - begin .. + span - 1; the first output that no missing or
  // touched input reaches is stride * (left - 1) + span - begin.
  reach.left = std::max<int64_t>(0, stride * (reach.left - 1) + span - begin);
  reach.right = std::max<int64_t>(0, stride * (reach.right - 1) + span - end + extra);
  reach.rate *= stride;
  return reach;
}

Result<std::optional<Reach>> pass(const Graph&, const Node&, const Operands& operands) {
  return operands[0];
}

/// Operators whose attribute or input names axes that must not be the windowed one.
Result<std::optional<Reach>> other_axis(const Graph& graph, const Node& node,
                                        const Operands& operands) {
  if (!operands[0]) return refuse(node, "its other inputs depend on the axis");
  const int64_t ranks = rank(graph, node.inputs[0]);
  std::vector<int64_t> axes;
  if (node.op == "Slice") {
    if (node.inputs.size() > 3 && node.inputs[3] != kNoValue) {
      const auto& known = graph.value(node.inputs[3]).known;
      const auto& constant = graph.value(node.inputs[3]).constant;
      if (known) {
        for (const Dim& dim : *known) axes.push_back(dim.constant().value_or(0));
      } else if (constant && constant->format() == Format::kI64) {
        for (int64_t axis : constant->values<int64_t>()) axes.push_back(axis);
      } else {
        return refuse(node, "its axes are not constants");
      }
    } else {
      for (int64_t axis = 0; axis < ranks; ++axis) axes.push_back(axis);
    }
  } else {
    axes.push_back(node.integer("axis", node.op == "Split" || node.op == "Gather" ? 0 : -1));
  }
  for (int64_t axis : axes) {
    if (positive(axis, ranks) == operands[0]->axis) return refuse(node, "it works along the axis");
  }
  return operands[0];
}

Result<std::optional<Reach>> concat(const Graph& graph, const Node& node,
                                    const Operands& operands) {
  for (const auto& operand : operands) {
    if (!operand) return refuse(node, "not all of its inputs have the axis");
  }
  const int64_t axis = positive(node.integer("axis", 0), rank(graph, node.outputs[0]));
  if (axis == operands[0]->axis) return refuse(node, "it joins along the axis");
  return broadcast(graph, node, operands);
}

Result<std::optional<Reach>> transpose(const Graph& graph, const Node& node,
                                       const Operands& operands) {
  Reach reach = *operands[0];
  const int64_t ranks = rank(graph, node.inputs[0]);
  std::vector<int64_t> reversed;
  for (int64_t axis = ranks; axis-- > 0;) reversed.push_back(axis);
  const auto order = node.integers("perm", reversed);
  reach.axis = std::ranges::find(order, reach.axis) - order.begin();
  return reach;
}

/// Operators that only regroup axes: the windowed one must stay an axis of its own, with as many
/// elements before it.
Result<std::optional<Reach>> regroup(const Graph& graph, const Node& node,
                                     const Operands& operands) {
  if (!operands[0]) return refuse(node, "its shape depends on the axis");
  const auto& from = graph.value(node.inputs[0]).type.shape;
  const auto& to = graph.value(node.outputs[0]).type.shape;
  const auto before = [](const graph::Dims& dims, int64_t axis) {
    Dim product(1);
    for (int64_t i = 0; i < axis; ++i) product = product * dims[static_cast<size_t>(i)];
    return product;
  };
  Reach reach = *operands[0];
  const Dim& extent = from[static_cast<size_t>(reach.axis)];
  const Dim outer = before(from, reach.axis);
  for (size_t axis = 0; axis < to.size(); ++axis) {
    if (to[axis] == extent && before(to, static_cast<int64_t>(axis)) == outer) {
      reach.axis = static_cast<int64_t>(axis);
      return reach;
    }
  }
  return refuse(node, "it merges the axis with others");
}

using Rule = Result<std::optional<Reach>> (*)(const Graph&, const Node&, const Operands&);

const std::map<std::string_view, Rule>& rules() {
  static const std::map<std::string_view, Rule> table = [] {
    std::map<std::string_view, Rule> rows = {
        {"Conv", convolution},    {"ConvTranspose", convolution},
        {"Slice", other_axis},    {"Split", other_axis},
        {"Gather", other_axis},   {"Concat", concat},
        {"Transpose", transpose}, {"Softmax", other_axis},
        {"Identity", pass},       {"Unsqueeze", regroup},
        {"Squeeze", regroup},     {"Reshape", regroup},
        {"Flatten", regroup},     {"Cast", pass},
    };
    for (const char* op : {"Add",   "Sub",       "Mul",      "Div",  "Pow",     "Min",  "Max",
                           "Where", "LeakyRelu", "Relu",     "Tanh", "Sigmoid", "Exp",  "Neg",
                           "Sqrt",  "Erf",       "Softplus", "Abs",  "Clip",    "Gelu", "Silu"}) {
      rows.emplace(op, broadcast);
    }
    return rows;
  }();
  return table;
}

/// The axis of a value whose extent is rate * symbol.
Result<std::optional<Reach>> axis_of(const Graph& graph, ValueId id, SymbolId symbol) {
  const auto& shape = graph.value(id).type.shape;
  std::optional<Reach> found;
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    if (!shape[axis].mentions(symbol)) continue;
    const auto affine = shape[axis].affine_in(symbol);
    if (found || !affine || affine->second != 0 || affine->first < 1) {
      return fail(ErrorCode::kUnsupported,
                  "value " + graph.describe(id) + " can't be cut into windows");
    }
    found = Reach{.axis = static_cast<int64_t>(axis), .rate = affine->first};
  }
  return found;
}

/// By ValueId: the number of rows is among the elements, known as an expression. In a window it
/// would be another number.
std::vector<bool> values_telling(const Graph& graph, SymbolId symbol) {
  std::vector<bool> telling;
  for (const Value& value : graph.values()) {
    telling.push_back(value.known && std::ranges::any_of(*value.known, [&](const Dim& dim) {
                        return dim.mentions(symbol);
                      }));
  }
  return telling;
}

bool reads(const Node& node, const std::vector<bool>& values) {
  return std::ranges::any_of(
      node.inputs, [&](ValueId id) { return id != kNoValue && values[static_cast<size_t>(id)]; });
}

/// Only an operator that regroups axes may take such a value: its shape moves with the window.
Status check_content(const Node& node, const Operands& operands, const std::vector<bool>& telling,
                     Rule rule) {
  for (size_t i = 0; i < operands.size(); ++i) {
    const ValueId id = node.inputs[i];
    if (operands[i] || id == kNoValue || !telling[static_cast<size_t>(id)]) continue;
    if (rule == regroup && i > 0) continue;
    return refuse(node, "it computes with the length of the axis");
  }
  return {};
}

}  // namespace

Result<SlidingWindow> derive_window(const Graph& graph, SymbolId symbol) {
  SlidingWindow window;
  window.symbol = symbol;
  std::vector<std::optional<Reach>> reach(graph.values().size());
  for (ValueId id : graph.inputs) {
    const auto found = TENWATT_TRY(axis_of(graph, id, symbol));
    reach[static_cast<size_t>(id)] = found;
    if (found) window.inputs.push_back({id, found->axis, found->rate});
  }
  std::vector<bool> telling = values_telling(graph, symbol);
  for (const Node& node : graph.nodes()) {
    Operands operands;
    bool any = false;
    for (ValueId id : node.inputs) {
      operands.push_back(id == kNoValue ? std::nullopt : reach[static_cast<size_t>(id)]);
      any = any || operands.back().has_value();
    }
    if (!any || node.op == "Shape") {
      for (ValueId id : node.outputs) {
        if (id == kNoValue || graph.value(id).known) continue;
        const auto made = TENWATT_TRY(axis_of(graph, id, symbol));
        // A fill has equal rows, so any piece of it is the same piece.
        telling[static_cast<size_t>(id)] = !made && reads(node, telling);
        if (made && node.op != "ConstantOfShape") {
          return refuse(node, "it makes the axis from nothing that is cut with it");
        }
        reach[static_cast<size_t>(id)] = made;
      }
      continue;
    }
    const auto rule = rules().find(node.op);
    if (rule == rules().end()) return refuse(node, "nothing is known of how far it reaches");
    TENWATT_TRY(check_content(node, operands, telling, rule->second));
    const auto result = TENWATT_TRY(rule->second(graph, node, operands));
    for (ValueId id : node.outputs) {
      if (id != kNoValue) reach[static_cast<size_t>(id)] = result;
    }
  }
  for (ValueId id : graph.outputs) {
    const auto& found = reach[static_cast<size_t>(id)];
    if (!found) {
      return fail(ErrorCode::kUnsupported,
                  "output " + graph.describe(id) + " has no axis to cut into windows");
    }
    window.outputs.push_back({id, found->axis, found->rate});
    window.output_halo_left.push_back(found->left);
    window.output_halo_right.push_back(found->right);
    const int64_t rate = found->rate;
    window.halo_left = std::max(window.halo_left, (found->left + rate - 1) / rate);
    window.halo_right = std::max(window.halo_right, (found->right + rate - 1) / rate);
  }
  return window;
}

Result<std::vector<WindowStep>> window_steps(const SlidingWindow& window, int64_t rows,
                                             const WindowSizes& sizes) {
  const size_t outputs = window.outputs.size();
  const bool grows = sizes.first > 0;
  int64_t size = grows ? std::min(sizes.first, sizes.size) : sizes.size;
  std::vector<WindowStep> steps;
  if (rows <= 0) return steps;
  if (size < rows && size <= window.halo_left + window.halo_right) {
    return fail(ErrorCode::kInvalidArgument,
                "a window of " + std::to_string(size) + " rows leaves nothing between halos of " +
                    std::to_string(window.halo_left) + " and " + std::to_string(window.halo_right),
                "choose a larger window");
  }
  std::vector<int64_t> done(outputs, 0);
  for (int64_t begin = 0;;) {
    WindowStep step{
        .begin = begin, .size = std::min(size, rows - begin), .keep_begin = done, .keep_end = {}};
    const bool at_end = begin + step.size == rows;
    int64_t next = rows;
    for (size_t i = 0; i < outputs; ++i) {
      const int64_t rate = window.outputs[i].rate;
      const int64_t whole = rate * (begin + step.size);
      done[i] = at_end ? whole : whole - window.output_halo_right[i];
      step.keep_end.push_back(done[i]);
      // The next window's first good row must not lie beyond what is done.
      next = std::min(next, (done[i] - window.output_halo_left[i]) / rate);
    }
    steps.push_back(std::move(step));
    if (at_end) return steps;
    begin = grows ? next : std::min(next, rows - size);
    if (grows) size = std::min(size * sizes.growth, sizes.size);
  }
}

}  // namespace tenwatt::engine
