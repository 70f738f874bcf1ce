// Common subexpressions: of nodes with the same operator, inputs and attributes the first one
// computes for all.
#include <numeric>

#include "graph/ir/kept.h"
#include "graph/rewrites/optimise.h"

namespace tenwatt::graph {
namespace {

bool has_effect(const Node& node) {
  return node.op == "RandomNormalLike" || node.op == "If" || node.attribute("k_state") ||
         node.attribute("v_state");
}

void append(std::string& key, std::string_view part) {
  key += std::to_string(part.size());
  key += ':';
  key += part;
}

/// What a node computes, as a string; nothing where attributes are no plain data.
struct Spell {
  std::string& key;
  bool operator()(int64_t value) const { return append(key, std::to_string(value)), true; }
  bool operator()(float value) const {
    return append(key, {reinterpret_cast<const char*>(&value), sizeof(value)}), true;
  }
  bool operator()(const std::string& value) const { return append(key, value), true; }
  bool operator()(const std::vector<std::string>& values) const {
    for (const std::string& value : values) append(key, value);
    return true;
  }
  template <class T>
  bool operator()(const std::vector<T>& values) const {
    append(key, {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)});
    return true;
  }
  bool operator()(const Tensor& tensor) const {
    constexpr size_t kMaxBytes = 256;
    if (tensor.bytes().size() > kMaxBytes) return false;
    append(key, info(tensor.format()).name);
    append(key, to_string(tensor.shape()));
    append(key, {reinterpret_cast<const char*>(tensor.bytes().data()), tensor.bytes().size()});
    return true;
  }
  bool operator()(const std::shared_ptr<const Graph>&) const { return false; }
};

std::optional<std::string> spelled(const Node& node, std::span<const ValueId> with) {
  std::string key;
  append(key, node.op);
  for (const ValueId id : node.inputs) {
    append(key, std::to_string(id == kNoValue ? kNoValue : with[static_cast<size_t>(id)]));
  }
  for (const auto& [name, attribute] : node.attributes) {
    append(key, name);
    append(key, std::to_string(attribute.index()));
    if (!std::visit(Spell{key}, attribute)) return std::nullopt;
  }
  return key;
}

}  // namespace

Result<int64_t> merge_equal_nodes(Graph& graph) {
  std::vector<ValueId> with(graph.values().size());
  std::iota(with.begin(), with.end(), 0);
  const std::vector<bool> kept = kept_values(graph);

  std::map<std::string, ValueId> first;
  std::vector<NodeId> gone;
  for (size_t i = 0; i < graph.nodes().size(); ++i) {
    const Node& node = graph.nodes()[i];
    if (node.outputs.size() != 1 || has_effect(node)) continue;
    auto key = spelled(node, with);
    if (!key) continue;
    const auto [found, is_new] = first.emplace(std::move(*key), node.outputs[0]);
    if (is_new || kept[static_cast<size_t>(node.outputs[0])]) continue;
    with[static_cast<size_t>(node.outputs[0])] = found->second;
    gone.push_back(static_cast<NodeId>(i));
  }
  graph.redirect(with);
  graph.erase_nodes(gone);
  return static_cast<int64_t>(gone.size());
}

}  // namespace tenwatt::graph
