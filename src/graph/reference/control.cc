// If: runs the branch that the condition chooses. A branch is a graph whose inputs are the outer
// values it captures; the node lists their names in `captures` and their values after the
// condition.
#include "graph/ops/schema.h"
#include "graph/reference/kernel.h"

namespace tenwatt::graph::reference {
namespace {

/// The branch that the condition chooses.
Result<const Graph*> chosen_branch(const Node& node, const Tensor& condition) {
  if (condition.count() != 1) return invalid("cond must be a scalar");
  std::string_view key = condition.values<Truth>()[0] ? "then_branch" : "else_branch";
  const Attribute* attribute = node.attribute(key);
  const auto* branch =
      attribute == nullptr ? nullptr : std::get_if<std::shared_ptr<const Graph>>(attribute);
  if (branch == nullptr || *branch == nullptr) return invalid(std::string(key) + " is missing");
  return branch->get();
}

Outputs if_then_else(const Node& node, Inputs inputs, const ReferenceContext& context) {
  const Tensor& condition = *TENWATT_TRY(need_format(inputs, 0, "cond", Format::kBool));
  // A copy, because a branch does not know the types of what it captures.
  Graph branch = *TENWATT_TRY(chosen_branch(node, condition));
  std::vector<size_t> passed = TENWATT_TRY(captured_inputs(node, branch));
  std::map<std::string, Tensor> values;
  for (size_t i = 0; i < branch.inputs.size(); ++i) {
    Value& value = branch.value(branch.inputs[i]);
    const Tensor& tensor = *TENWATT_TRY(need(inputs, passed[i], value.name));
    value.type = {tensor.format(), Dims(tensor.shape().begin(), tensor.shape().end()), {}};
    values.emplace(value.name, tensor);
  }
  EvaluateOptions options;
  options.context = context;
  auto computed = TENWATT_TRY(evaluate(branch, values, options));
  std::vector<Tensor> results;
  for (ValueId id : branch.outputs) results.push_back(computed.at(branch.value(id).name));
  return results;
}

}  // namespace

std::span<const Entry> control_kernels() {
  static constexpr Entry kEntries[] = {{"If", if_then_else}};
  return kEntries;
}

}  // namespace tenwatt::graph::reference
