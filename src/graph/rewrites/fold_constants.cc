// Constant folding: a node whose inputs are all constants is computed now by its reference kernel;
// one whose contents inference knows as numbers needs no computing at all.
#include "graph/ops/inference.h"
#include "graph/reference/reference.h"
#include "graph/rewrites/optimise.h"

namespace tenwatt::graph {
namespace {

constexpr int64_t kMaxBytes = int64_t{64} << 20;

bool folds(const Node& node) { return node.op != "If" && node.op != "RandomNormalLike"; }

/// Whether the outputs are small enough to keep; their shapes must be numbers.
bool fits(const Graph& graph, const Node& node) {
  int64_t bytes = 0;
  for (const ValueId output : node.outputs) {
    if (output == kNoValue) continue;
    const Type& type = graph.value(output).type;
    const auto shape = numbers_of(type.shape);
    const auto count = shape ? checked_elements(*shape) : Result<int64_t>(kMaxBytes);
    if (!count || *count >= kMaxBytes) return false;
    bytes += *count * info(type.format).bytes;
  }
  return bytes <= kMaxBytes;
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
std::optional<std::vector<Tensor>> folded(const Graph& graph, const Node& node) {
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
  std::vector<ReferenceInput> inputs;
  for (const ValueId input : node.inputs) {
    if (input != kNoValue && !graph.value(input).constant) return std::nullopt;
    inputs.push_back(input == kNoValue ? ReferenceInput() : graph.value(input).constant);
  }
  if (inputs.empty() || !fits(graph, node)) return std::nullopt;
  auto computed = run_reference(node, inputs);
  if (!computed || computed->size() < node.outputs.size()) return std::nullopt;
  return std::move(*computed);
}

}  // namespace

Result<int64_t> fold_constants(Graph& graph) {
  std::vector<NodeId> gone;
  for (size_t i = 0; i < graph.nodes().size(); ++i) {
    const Node& node = graph.nodes()[i];
    if (!folds(node)) continue;
    const auto tensors = folded(graph, node);
    if (!tensors) continue;
    for (size_t output = 0; output < node.outputs.size(); ++output)
      if (node.outputs[output] != kNoValue)
        graph.value(node.outputs[output]).constant = (*tensors)[output];
    gone.push_back(static_cast<NodeId>(i));
  }
  graph.erase_nodes(gone);
  return static_cast<int64_t>(gone.size());
}

}  // namespace tenwatt::graph
