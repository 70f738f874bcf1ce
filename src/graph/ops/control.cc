// Constant and If. The branches of an If are graphs whose inputs are outer values that they
// capture; they are inferred on copies that share the outer graph's symbols.
#include <algorithm>

#include "graph/ops/infer.h"
#include "graph/ops/schema.h"

namespace tenwatt::graph {
namespace {

Status constant(Inference& in) {
  const Attribute* attribute = in.node().attribute("value");
  const auto* tensor = attribute ? std::get_if<Tensor>(attribute) : nullptr;
  if (!tensor) return in.wrong("it has no tensor as its value");
  Dims shape(tensor->shape().begin(), tensor->shape().end());
  in.set(0, tensor->format(), std::move(shape), known_of(*tensor));
  return {};
}

/// The types of a branch's outputs under the node's inputs. Symbols that the branch adds are not
/// the outer graph's: extents with them are absent.
struct BranchOutput {
  Format format;
  std::vector<std::optional<Dim>> shape;
  std::optional<Dims> known;
};

bool is_outer(const Dim& dim, size_t symbols) {
  const auto all = dim.symbols();
  return all.empty() || static_cast<size_t>(all.back()) < symbols;
}

enum class Taken : uint8_t { kSurely, kMaybe };

/// Infers a branch. Only one that is surely taken may demand that extents are equal.
Result<std::vector<BranchOutput>> infer_branch(Inference& in, std::string_view key, Taken taken) {
  const Attribute* attribute = in.node().attribute(key);
  const auto* branch = attribute ? std::get_if<std::shared_ptr<const Graph>>(attribute) : nullptr;
  if (!branch || !*branch) return in.wrong("it has no " + std::string(key));
  Graph graph = **branch;
  if (!graph.symbols().empty())
    return in.wrong("its " + std::string(key) + " has symbols of its own");
  const auto captured = TENWATT_TRY(captured_inputs(in.node(), graph));
  if (graph.outputs.size() != in.outputs())
    return in.wrong("its " + std::string(key) + " has another number of outputs");
  const std::vector<Symbol>& symbols = in.graph().symbols();
  for (const Symbol& symbol : symbols) graph.add_symbol(symbol.name, symbol.bounds);
  for (size_t i = 0; i < graph.inputs.size(); ++i) {
    Value& value = graph.value(graph.inputs[i]);
    const size_t from = captured[i];
    value.type = in.in(from).type;
    value.constant = in.in(from).constant;
    value.known = in.known(from);
  }
  if (auto status = infer_shapes(graph); !status) return fail_in(in.where(), status.error());
  std::vector<BranchOutput> out;
  for (const ValueId id : graph.outputs) {
    const Value& value = graph.value(id);
    BranchOutput& made = out.emplace_back();
    made.format = value.type.format;
    for (const Dim& dim : value.type.shape)
      made.shape.push_back(is_outer(dim, symbols.size()) ? std::optional(dim) : std::nullopt);
    made.known = value.known;
    for (size_t i = 0; made.known && i < made.known->size(); ++i)
      if (!is_outer((*value.known)[i], symbols.size())) made.known.reset();
  }
  for (const Assumption& assumption : graph.assumptions) {
    const bool outer =
        is_outer(assumption.a, symbols.size()) && is_outer(assumption.b, symbols.size());
    if (outer && taken == Taken::kSurely) in.graph().assumptions.push_back(assumption);
  }
  return out;
}

void set_output(Inference& in, size_t output, const BranchOutput& branch) {
  Dims shape;
  for (size_t axis = 0; axis < branch.shape.size(); ++axis) {
    shape.push_back(branch.shape[axis] ? *branch.shape[axis]
                                       : in.symbol_extent(output, axis, kMaxDataExtent));
  }
  in.set(output, branch.format, std::move(shape), branch.known);
}

Status conditional(Inference& in) {
  const auto condition = in.known(0);
  if (condition && condition->size() == 1 && (*condition)[0].is_constant()) {
    const auto* key = *(*condition)[0].constant() != 0 ? "then_branch" : "else_branch";
    const auto outputs = TENWATT_TRY(infer_branch(in, key, Taken::kSurely));
    for (size_t i = 0; i < outputs.size(); ++i) set_output(in, i, outputs[i]);
    return {};
  }
  auto first = infer_branch(in, "then_branch", Taken::kMaybe);
  auto second = infer_branch(in, "else_branch", Taken::kMaybe);
  if (!first || !second) {
    // The branch that isn't taken need not make sense for these inputs.
    std::string why = (first ? second : first).error().message;
    return in.undecided(in.node().inputs[0], "its condition must be known before the run: " + why);
  }
  std::vector<BranchOutput>& outputs = *first;
  const std::vector<BranchOutput>& others = *second;
  for (size_t i = 0; i < outputs.size(); ++i) {
    BranchOutput& output = outputs[i];
    if (output.format != others[i].format || output.shape.size() != others[i].shape.size())
      return in.undecided(in.node().inputs[0], "its branches give values of different types");
    for (size_t axis = 0; axis < output.shape.size(); ++axis)
      if (output.shape[axis] != others[i].shape[axis]) output.shape[axis].reset();
    if (output.known != others[i].known) output.known.reset();
    set_output(in, i, output);
  }
  return {};
}

constexpr Schema kRows[] = {
    {"Constant", 0, 0, 1, constant},
    {"If", 1, kAnyNumber, kAnyNumber, conditional},
};

}  // namespace

Result<std::vector<size_t>> captured_inputs(const Node& node, const Graph& branch) {
  const Attribute* attribute = node.attribute("captures");
  const auto* names = attribute ? std::get_if<std::vector<std::string>>(attribute) : nullptr;
  std::vector<size_t> out;
  for (const ValueId id : branch.inputs) {
    const std::string& name = branch.value(id).name;
    const auto found = names ? std::ranges::find(*names, name) : decltype(names->end())();
    const size_t index = names ? static_cast<size_t>(found - names->begin()) + 1 : 0;
    if (!names || found == names->end() || index >= node.inputs.size() ||
        node.inputs[index] == kNoValue) {
      return fail(ErrorCode::kInvalidArgument, node.op + " '" + node.name +
                                                   "': a branch captures '" + name +
                                                   "', which the node does not pass");
    }
    out.push_back(index);
  }
  return out;
}

std::span<const Schema> control_schemas() { return kRows; }

}  // namespace tenwatt::graph
