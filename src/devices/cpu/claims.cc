#include "devices/cpu/claims.h"

#include <algorithm>

#include "devices/cpu/lower/lower.h"
#include "graph/reference/reference.h"

namespace tenwatt::cpu {
namespace {

using graph::Graph;
using graph::kNoValue;
using graph::Node;
using graph::ValueId;

// Nominal rates of one core: good enough to order devices, replaced by measured ones elsewhere.
constexpr double kFloatOps = 50e9;
constexpr double kBlockOps = 200e9;
constexpr double kBytes = 20e9;

double elements_at_bounds(const Graph& graph, ValueId id) {
  const auto ranges = graph.symbol_ranges();
  double count = 1;
  for (const graph::Dim& dim : graph.value(id).type.shape) {
    count *= static_cast<double>(std::max<int64_t>(dim.range(ranges).max, 1));
  }
  return count;
}

double value_traffic(const Graph& graph, ValueId id) {
  const FormatInfo& format = info(graph.value(id).type.format);
  return elements_at_bounds(graph, id) * format.bytes / format.block;
}

/// Where a product keeps its right operand.
size_t right_operand(const Node& node) { return node.op.starts_with("QLinear") ? 3 : 1; }

/// Multiply-adds per output element of the operators that multiply matrices.
double products_per_output(const Graph& graph, const Node& node) {
  const size_t right = right_operand(node);
  if (node.inputs.size() <= right || node.inputs[right] == kNoValue || node.outputs.empty())
    return 0;
  const double weights = elements_at_bounds(graph, node.inputs[right]);
  const graph::Dims& w = graph.value(node.inputs[right]).type.shape;
  const auto ranges = graph.symbol_ranges();
  const auto extent = [&](size_t axis) {
    return static_cast<double>(std::max<int64_t>(w[axis].range(ranges).max, 1));
  };
  const bool convolves = node.op == "Conv" || node.op == "ConvInteger" || node.op == "QLinearConv";
  if (convolves && !w.empty()) return weights / extent(0);
  if (node.op == "ConvTranspose" && w.size() > 1) {
    return weights / extent(1) / static_cast<double>(node.integers("strides", {1})[0]);
  }
  if ((node.op == "Linear" || node.op == "GatedFeedForward") && !w.empty()) {
    return node.op == "Linear" ? weights / extent(0) : 3 * extent(0);
  }
  const bool multiplies = node.op == "MatMul" || node.op == "Gemm" || node.op == "MatMulInteger" ||
                          node.op == "QLinearMatMul";
  if (multiplies && w.size() > 1) return extent(w.size() - 2);
  return 0;
}

double seconds_of(const Graph& graph, const Node& node) {
  double bytes = 0;
  for (ValueId id : node.inputs) {
    if (id != kNoValue) bytes += value_traffic(graph, id);
  }
  double outputs = 0;
  for (ValueId id : node.outputs) {
    if (id == kNoValue) continue;
    bytes += value_traffic(graph, id);
    outputs += elements_at_bounds(graph, id);
  }
  const size_t right = right_operand(node);
  const auto is_narrow = [&](Format format) {
    return is_block(format) || format == Format::kI8 || format == Format::kU8;
  };
  const bool narrow = node.inputs.size() > right && node.inputs[right] != kNoValue &&
                      is_narrow(graph.value(node.inputs[right]).type.format);
  const double work = 2 * outputs * std::max(1.0, products_per_output(graph, node));
  return std::max(work / (narrow ? kBlockOps : kFloatOps), bytes / kBytes);
}

}  // namespace

/// The graph at one choice of extents.
struct ClaimMaker::Trial {
  explicit Trial(const Graph& graph) : weights(Weights::planned(graph)) {
    for (const graph::Symbol& symbol : graph.symbols()) {
      bindings.push_back(std::clamp<int64_t>(kTrialExtent, symbol.bounds.min, symbol.bounds.max));
    }
    for (const graph::Value& value : graph.values()) {
      Shape shape;
      bool known = true;
      for (const graph::Dim& dim : value.type.shape) {
        const auto extent = dim.evaluate(bindings);
        known = known && extent && *extent >= 0;
        shape.push_back(extent.value_or(0));
      }
      shapes.push_back(std::move(shape));
      has_shape.push_back(known ? 1 : 0);
    }
  }

  bool knows(const std::vector<ValueId>& ids) const {
    return std::ranges::all_of(
        ids, [&](ValueId id) { return id == kNoValue || has_shape[static_cast<size_t>(id)] != 0; });
  }

  static constexpr int64_t kTrialExtent = 64;
  Weights weights;
  graph::Bindings bindings;
  std::vector<Shape> shapes;
  std::vector<uint8_t> has_shape;
};

ClaimMaker::ClaimMaker(const Graph& graph, const Setup& setup)
    : graph_(graph), setup_(setup), trial_(std::make_unique<Trial>(graph)) {}
ClaimMaker::~ClaimMaker() = default;

devices::Claim ClaimMaker::claim(const Node& node) const {
  const OperatorRow* row = find_operator(node.op);
  if (!row && !graph::reference_kernel(node.op)) {
    return devices::No{"there is no kernel for the operator " + node.op,
                       "rewrite " + node.name + " in operators that the house knows"};
  }
  for (ValueId id : node.inputs) {
    if (id != kNoValue && graph_.value(id).type.affine) {
      return devices::No{graph_.value(id).name + " is an affine quantised value",
                         "dequantise it, or place the node on a device that computes in integers"};
    }
  }
  devices::Yes yes{seconds_of(graph_, node), row ? std::string(row->kernel) : "reference",
                   row ? devices::KernelKind::kOwn : devices::KernelKind::kReference};
  if (!trial_->knows(node.inputs) || !trial_->knows(node.outputs)) return yes;
  const auto lowered =
      lower_node({graph_, node, trial_->shapes, trial_->bindings, trial_->weights, setup_});
  if (!lowered) return yes;
  if (lowered->step) {
    yes.kernel = lowered->step->kernel;
    yes.kind = lowered->step->kind;
  } else {
    yes.kernel = "alias";
    yes.kind = devices::KernelKind::kMovement;
  }
  return yes;
}

}  // namespace tenwatt::cpu
