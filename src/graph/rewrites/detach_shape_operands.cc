// Operands that only say how large a result is (the shape of a Reshape, the limit of a Range) and
// are known as expressions are read from the plan: the node gets a value that nothing computes and
// whose `known` holds them, and the chain of Shape, Gather and Concat behind the old one dies.
// A value that a symbol is read from stays, since the symbol needs it.
#include <algorithm>
#include <array>

#include "graph/rewrites/optimise.h"

namespace tenwatt::graph {
namespace {

struct Operand {
  std::string_view op;
  size_t input;
};
constexpr std::array kOperands{
    Operand{"ConstantOfShape", 0}, Operand{"Expand", 1}, Operand{"Pad", 1},     Operand{"Range", 0},
    Operand{"Range", 1},           Operand{"Range", 2},  Operand{"Reshape", 1}, Operand{"Slice", 1},
    Operand{"Slice", 2},           Operand{"Split", 1},  Operand{"Tile", 1},
};

bool is_integer(const Value& value) { return info(value.type.format).kind == FormatKind::kInteger; }

}  // namespace

Result<int64_t> detach_shape_operands(Graph& graph) {
  std::map<ValueId, ValueId> detached;
  int64_t changed = 0;
  for (size_t i = 0; i < graph.nodes().size(); ++i) {
    const auto id = static_cast<NodeId>(i);
    for (const Operand& operand : kOperands) {
      const Node& node = graph.node(id);
      if (node.op != operand.op || operand.input >= node.inputs.size()) continue;
      const ValueId from = node.inputs[operand.input];
      if (from == kNoValue) continue;
      const Value& value = graph.value(from);
      if (!value.known || value.constant || value.producer == kNoNode || !is_integer(value))
        continue;
      auto found = detached.find(from);
      if (found == detached.end()) {
        const Type type = value.type;
        const auto known = value.known;
        const ValueId made = graph.add_value(value.name + ".known", type);
        graph.value(made).known = known;
        found = detached.emplace(from, made).first;
      }
      graph.node(id).inputs[operand.input] = found->second;
      ++changed;
    }
  }
  return changed;
}

}  // namespace tenwatt::graph
