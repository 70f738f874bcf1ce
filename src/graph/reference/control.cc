// If: runs the branch that the condition chooses. A branch is a graph whose inputs are the outer
// values it captures; the node lists their names in `captures` and their values after the
// condition.
#include "graph/reference/kernel.h"

namespace tenwatt::graph::reference {
namespace {

Result<std::map<std::string, Tensor>> captured(const Node& node, Inputs inputs,
                                               const Graph& branch) {
  std::map<std::string, Tensor> values;
  const Attribute* attribute = node.attribute("captures");
  if (attribute == nullptr) return values;
  const auto* names = std::get_if<std::vector<std::string>>(attribute);
  if (names == nullptr || names->size() + 1 > inputs.size()) {
    return invalid("captures do not match the inputs");
  }
  for (size_t i = 0; i < names->size(); ++i) {
    std::optional<ValueId> id = branch.find_value((*names)[i]);
    if (!id || !branch.is_input(*id)) continue;  // the other branch's
    const Tensor& value = *TENWATT_TRY(need(inputs, i + 1, (*names)[i]));
    values.emplace((*names)[i], value);
  }
  return values;
}

Outputs if_then_else(const Node& node, Inputs inputs, const ReferenceContext& context) {
  const Tensor& condition = *TENWATT_TRY(need_format(inputs, 0, "cond", Format::kBool));
  if (condition.count() != 1) return invalid("cond must be a scalar");
  std::string_view key = condition.values<Truth>()[0] ? "then_branch" : "else_branch";
  const Attribute* attribute = node.attribute(key);
  const auto* branch =
      attribute == nullptr ? nullptr : std::get_if<std::shared_ptr<const Graph>>(attribute);
  if (branch == nullptr || *branch == nullptr) return invalid(std::string(key) + " is missing");
  EvaluateOptions options;
  options.context = context;
  auto values = TENWATT_TRY(captured(node, inputs, **branch));
  auto computed = TENWATT_TRY(evaluate(**branch, values, options));
  std::vector<Tensor> results;
  for (ValueId id : (*branch)->outputs) results.push_back(computed.at((*branch)->value(id).name));
  return results;
}

}  // namespace

std::span<const Entry> control_kernels() {
  static constexpr Entry kEntries[] = {{"If", if_then_else}};
  return kEntries;
}

}  // namespace tenwatt::graph::reference
