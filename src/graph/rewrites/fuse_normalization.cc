// Joins the steps that exporters write for a layer normalisation over the last axis and for the
// exact GELU:
//
//   d = x - mean(x); LayerNormalization(x) = d / sqrt(mean(d^2) + epsilon) * gamma + beta
//   Gelu(x) = x * (erf(x / sqrt(2)) + 1) * 0.5, with the factors in any order
//
// The formulas are the operators' own definitions (ONNX opsets 17 and 20), so the result is the
// same up to the rounding of intermediate values.
#include <cmath>

#include "graph/rewrites/optimise.h"

namespace tenwatt::graph {
namespace {

class Matcher {
 public:
  explicit Matcher(const Graph& graph) : graph_(graph), consumers_(graph.consumers()) {}

  /// The node that makes the value, if it is `op` and nobody else sees the value.
  const Node* inner(ValueId id, std::string_view op, size_t uses = 1) const {
    if (id == kNoValue || graph_.value(id).producer == kNoNode || graph_.is_output(id))
      return nullptr;
    const Node& node = graph_.node(graph_.value(id).producer);
    const bool fits = node.op == op && consumers_[static_cast<size_t>(id)].size() == uses;
    return fits ? &node : nullptr;
  }
  std::optional<float> scalar(ValueId id) const {
    const auto& constant = graph_.value(id).constant;
    if (!constant || constant->format() != Format::kF32 || constant->count() != 1)
      return std::nullopt;
    return constant->values<float>()[0];
  }
  const Dims& shape(ValueId id) const { return graph_.value(id).type.shape; }
  bool is_constant(ValueId id) const { return graph_.value(id).constant.has_value(); }
  /// Axes are exactly the last one, and it stays as an extent of 1.
  bool reduces_last(const Node& node) const {
    auto axes = node.integers("axes");
    if (axes.empty() && node.inputs.size() > 1) {
      const auto& given = graph_.value(node.inputs[1]).constant;
      if (given && given->format() == Format::kI64)
        axes.assign(given->values<int64_t>().begin(), given->values<int64_t>().end());
    }
    const auto rank = static_cast<int64_t>(shape(node.inputs[0]).size());
    return axes.size() == 1 && (axes[0] == -1 || axes[0] == rank - 1) &&
           node.integer("keepdims", 1) != 0;
  }

 private:
  const Graph& graph_;
  std::vector<std::vector<NodeId>> consumers_;
};

/// A commutative node's operands: the one that `is` accepts, and the other.
template <class Is>
std::optional<std::pair<ValueId, ValueId>> operands(const Node& node, Is is) {
  for (const size_t first : {size_t{0}, size_t{1}})
    if (is(node.inputs[first])) return std::pair{node.inputs[first], node.inputs[1 - first]};
  return std::nullopt;
}

struct Normalization {
  ValueId x = kNoValue;
  ValueId gamma = kNoValue;
  ValueId beta = kNoValue;
  float epsilon = 0.0f;
};

bool scales_last_axis(const Matcher& match, ValueId weight, ValueId x) {
  const Dims& shape = match.shape(weight);
  return match.is_constant(weight) && shape.size() == 1 && !match.shape(x).empty() &&
         shape[0] == match.shape(x).back() && shape[0].is_constant();
}

std::optional<Normalization> normalization(const Matcher& match, const Node& add) {
  if (add.op != "Add") return std::nullopt;
  const auto is_weight = [&](ValueId id) { return match.is_constant(id); };
  Normalization out;
  const auto shifted = operands(add, is_weight);
  const Node* scale = shifted ? match.inner(shifted->second, "Mul") : nullptr;
  const auto scaled = scale ? operands(*scale, is_weight) : std::nullopt;
  const Node* quotient = scaled ? match.inner(scaled->second, "Div") : nullptr;
  const Node* root = quotient ? match.inner(quotient->inputs[1], "Sqrt") : nullptr;
  const Node* safe = root ? match.inner(root->inputs[0], "Add") : nullptr;
  const auto variance = safe ? operands(*safe, is_weight) : std::nullopt;
  const Node* mean_square = variance ? match.inner(variance->second, "ReduceMean") : nullptr;
  const Node* square = mean_square ? match.inner(mean_square->inputs[0], "Pow") : nullptr;
  const Node* centred = square ? match.inner(square->inputs[0], "Sub", 2) : nullptr;
  const Node* mean = centred ? match.inner(centred->inputs[1], "ReduceMean") : nullptr;
  if (!mean || quotient->inputs[0] != square->inputs[0]) return std::nullopt;
  const auto epsilon = match.scalar(variance->first);
  out = {centred->inputs[0], scaled->first, shifted->first, epsilon.value_or(0.0f)};
  const bool fits = epsilon && mean->inputs[0] == out.x &&
                    match.scalar(square->inputs[1]) == 2.0f && match.reduces_last(*mean) &&
                    match.reduces_last(*mean_square) && scales_last_axis(match, out.gamma, out.x) &&
                    scales_last_axis(match, out.beta, out.x);
  return fits ? std::optional(out) : std::nullopt;
}

/// Erf(x / sqrt(2)) + 1 or Erf(x * sqrt(1/2)) + 1; gives x.
std::optional<ValueId> error_function_of(const Matcher& match, ValueId id) {
  const Node* add = match.inner(id, "Add");
  const auto is_one = [&](ValueId value) { return match.scalar(value) == 1.0f; };
  const auto sum = add ? operands(*add, is_one) : std::nullopt;
  const Node* erf = sum ? match.inner(sum->second, "Erf") : nullptr;
  if (!erf) return std::nullopt;
  const auto near = [&](ValueId value, float wanted) {
    const auto number = match.scalar(value);
    return number && std::abs(*number - wanted) < 1e-6f;
  };
  constexpr float kRootTwo = 1.41421356f;
  constexpr float kRootHalf = 0.70710678f;
  if (const Node* div = match.inner(erf->inputs[0], "Div"))
    return near(div->inputs[1], kRootTwo) ? std::optional(div->inputs[0]) : std::nullopt;
  const Node* mul = match.inner(erf->inputs[0], "Mul");
  const auto is_half = [&](ValueId value) { return near(value, kRootHalf); };
  const auto scaled = mul ? operands(*mul, is_half) : std::nullopt;
  return scaled ? std::optional(scaled->second) : std::nullopt;
}

/// The x of x * (erf + 1) * 0.5 at its last multiplication.
std::optional<ValueId> gelu_input(const Matcher& match, const Node& last) {
  if (last.op != "Mul") return std::nullopt;
  const auto is_half = [&](ValueId id) { return match.scalar(id) == 0.5f; };
  const auto product = [&](ValueId a, ValueId b) -> std::optional<ValueId> {
    const auto x = error_function_of(match, a);
    return x && *x == b ? x : std::nullopt;
  };
  // (x * (erf + 1)) * 0.5
  if (const auto halved = operands(last, is_half)) {
    const Node* whole = match.inner(halved->second, "Mul");
    if (!whole) return std::nullopt;
    const auto x = product(whole->inputs[0], whole->inputs[1]);
    return x ? x : product(whole->inputs[1], whole->inputs[0]);
  }
  // x * ((erf + 1) * 0.5) and (x * 0.5) * (erf + 1)
  for (const size_t first : {size_t{0}, size_t{1}}) {
    const Node* scaled = match.inner(last.inputs[first], "Mul");
    const auto halved = scaled ? operands(*scaled, is_half) : std::nullopt;
    if (!halved) continue;
    const ValueId other = last.inputs[1 - first];
    if (const auto x = product(halved->second, other)) return x;
    if (const auto x = product(other, halved->second)) return x;
  }
  return std::nullopt;
}

}  // namespace

Result<int64_t> fuse_layer_normalization(Graph& graph) {
  const Matcher match(graph);
  int64_t changed = 0;
  for (size_t i = 0; i < graph.nodes().size(); ++i) {
    Node& node = graph.node(static_cast<NodeId>(i));
    const auto found = normalization(match, node);
    if (!found) continue;
    node.op = "LayerNormalization";
    node.inputs = {found->x, found->gamma, found->beta};
    node.attributes = {{"axis", int64_t{-1}}, {"epsilon", found->epsilon}};
    ++changed;
  }
  return changed;
}

Result<int64_t> fuse_gelu(Graph& graph) {
  const Matcher match(graph);
  int64_t changed = 0;
  for (size_t i = 0; i < graph.nodes().size(); ++i) {
    Node& node = graph.node(static_cast<NodeId>(i));
    const auto x = gelu_input(match, node);
    if (!x) continue;
    node.op = "Gelu";
    node.inputs = {*x};
    node.attributes = {{"approximate", std::string("none")}};
    ++changed;
  }
  return changed;
}

}  // namespace tenwatt::graph
