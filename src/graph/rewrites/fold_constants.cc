// Constant folding: a node whose inputs are all constants is computed now by its reference kernel;
// one whose contents inference knows as numbers needs no computing at all.
#include <algorithm>

#include "graph/ops/inference.h"
#include "graph/reference/reference.h"
#include "graph/rewrites/optimise.h"

namespace tenwatt::graph {
namespace {

// A small file can name large tensors. What folding makes may take this much more than the
// constants that the graph came with.
constexpr int64_t kSpareBytes = int64_t{16} << 20;
// Products of constants are rare, and nobody waits for large ones while a model loads.
constexpr int64_t kMaxProducts = int64_t{1} << 26;

bool folds(const Node& node) { return node.op != "If" && node.op != "RandomNormalLike"; }

/// The elements of a node's outputs, if they are numbers and not too many to think about.
std::optional<int64_t> output_elements(const Graph& graph, const Node& node) {
  constexpr int64_t kMost = int64_t{1} << 40;
  int64_t total = 0;
  for (const ValueId output : node.outputs) {
    if (output == kNoValue) continue;
    const auto shape = numbers_of(graph.value(output).type.shape);
    const auto count = shape ? checked_elements(*shape) : Result<int64_t>(kMost);
    if (!count || *count >= kMost || total >= kMost) return std::nullopt;
    total += *count;
  }
  return total;
}

/// Operators whose elements are sums of products, so that they cost more than their size says.
bool multiplies(std::string_view op) {
  constexpr std::string_view kOps[] = {"Conv", "ConvTranspose", "Gemm", "LSTM", "MatMul"};
  return std::ranges::find(kOps, op) != std::end(kOps);
}

/// Whether computing the node now costs little enough; `budget` is in bytes.
bool fits(const Graph& graph, const Node& node, int64_t budget) {
  const auto elements = output_elements(graph, node);
  constexpr int64_t kWidest = 8;
  if (!elements || *elements > budget / kWidest) return false;
  if (!multiplies(node.op) || node.inputs.size() < 2) return true;
  const int64_t weights = std::max<int64_t>(1, graph.value(node.inputs[1]).constant->count());
  return *elements <= kMaxProducts / weights;
}

/// CastLike of a constant only needs the format of its second input.
std::optional<std::vector<Tensor>> cast_constant(const Graph& graph, const Node& node) {
  if (node.op != "CastLike" || node.inputs.size() != 2) return std::nullopt;
  const auto& constant = graph.value(node.inputs[0]).constant;
  if (!constant || constant->count() > kMaxKnown) return std::nullopt;
  Node cast{"Cast", node.name, {node.inputs[0]}, node.outputs, {}};
  const Format format = graph.value(node.outputs[0]).type.format;
  cast.attributes.emplace("to", std::string(info(format).name));
  const ReferenceInput inputs[] = {constant};
  auto computed = run_reference(cast, inputs);
  return computed ? std::optional(std::move(*computed)) : std::nullopt;
}

template <class T>
Tensor from_numbers(const Shape& numbers, Shape shape) {
  std::vector<T> values(numbers.begin(), numbers.end());
  return Tensor::of(std::span<const T>(values), std::move(shape));
}

std::optional<Tensor> from_known(const Value& value) {
  const auto numbers = value.known ? numbers_of(*value.known) : std::nullopt;
  const auto shape = numbers_of(value.type.shape);
  if (!numbers || !shape) return std::nullopt;
  switch (value.type.format) {
    case Format::kI64:
      return from_numbers<int64_t>(*numbers, *shape);
    case Format::kI32:
      return from_numbers<int32_t>(*numbers, *shape);
    case Format::kF32:
      return from_numbers<float>(*numbers, *shape);
    case Format::kBool: {
      auto tensor = Tensor::create(Format::kBool, *shape);
      if (!tensor) return std::nullopt;
      for (size_t i = 0; i < numbers->size(); ++i)
        tensor->mutable_values<uint8_t>()[i] = (*numbers)[i] != 0 ? 1 : 0;
      return std::move(*tensor);
    }
    default:
      return std::nullopt;
  }
}

/// One tensor per output, or nothing if the node can't be folded.
std::optional<std::vector<Tensor>> folded(const Graph& graph, const Node& node, int64_t budget) {
  std::vector<Tensor> tensors;
  for (const ValueId output : node.outputs) {
    auto tensor = output == kNoValue ? std::nullopt : from_known(graph.value(output));
    if (!tensor) break;
    tensors.push_back(std::move(*tensor));
  }
  if (tensors.size() == node.outputs.size()) return tensors;
  if (const Attribute* value = node.attribute("value"); value && node.op == "Constant") {
    const auto* tensor = std::get_if<Tensor>(value);
    return tensor ? std::optional(std::vector<Tensor>{*tensor}) : std::nullopt;
  }
  if (auto cast = cast_constant(graph, node)) return cast;
  std::vector<ReferenceInput> inputs;
  for (const ValueId input : node.inputs) {
    if (input != kNoValue && !graph.value(input).constant) return std::nullopt;
    inputs.push_back(input == kNoValue ? ReferenceInput() : graph.value(input).constant);
  }
  if (inputs.empty() || !fits(graph, node, budget)) return std::nullopt;
  auto computed = run_reference(node, inputs);
  if (!computed || computed->size() < node.outputs.size()) return std::nullopt;
  return std::move(*computed);
}

}  // namespace

Result<int64_t> fold_constants(Graph& graph) {
  std::vector<NodeId> gone;
  int64_t budget = kSpareBytes - 2 * graph.folded_bytes;
  for (const Value& value : graph.values())
    if (value.constant) budget += std::ssize(value.constant->bytes());
  for (size_t i = 0; i < graph.nodes().size(); ++i) {
    const Node& node = graph.nodes()[i];
    if (!folds(node)) continue;
    const auto tensors = folded(graph, node, budget);
    if (!tensors) continue;
    for (size_t output = 0; output < node.outputs.size(); ++output) {
      if (node.outputs[output] == kNoValue) continue;
      graph.value(node.outputs[output]).constant = (*tensors)[output];
      graph.folded_bytes += std::ssize((*tensors)[output].bytes());
      budget -= std::ssize((*tensors)[output].bytes());
    }
    gone.push_back(static_cast<NodeId>(i));
  }
  graph.erase_nodes(gone);
  return static_cast<int64_t>(gone.size());
}

}  // namespace tenwatt::graph
