// The graph's tables: unique names, and producer-before-consumer order. Nothing here knows what an
// operator means; copy.cc has what makes graphs from parts of graphs.
#include "graph/ir/graph.h"

#include <algorithm>
#include <functional>
#include <queue>

namespace tenwatt::graph {
namespace {

template <class T>
const T* get(const Node& node, std::string_view key) {
  const Attribute* attribute = node.attribute(key);
  return attribute ? std::get_if<T>(attribute) : nullptr;
}

std::string node_title(const Node& node) { return node.op + " '" + node.name + "'"; }

/// Values that exist before any node runs: inputs, constants and what states hold.
std::vector<bool> given_values(const Graph& graph) {
  std::vector<bool> given(graph.values().size(), false);
  for (const ValueId id : graph.inputs) given[static_cast<size_t>(id)] = true;
  for (const State& state : graph.states)
    if (state.read != kNoValue) given[static_cast<size_t>(state.read)] = true;
  for (size_t i = 0; i < given.size(); ++i)
    if (graph.values()[i].constant) given[i] = true;
  return given;
}

}  // namespace

const Attribute* Node::attribute(std::string_view key) const {
  const auto found = attributes.find(key);
  return found == attributes.end() ? nullptr : &found->second;
}

int64_t Node::integer(std::string_view key, int64_t fallback) const {
  const auto* found = get<int64_t>(*this, key);
  return found ? *found : fallback;
}

float Node::real(std::string_view key, float fallback) const {
  const auto* found = get<float>(*this, key);
  return found ? *found : fallback;
}

std::string Node::text(std::string_view key, std::string_view fallback) const {
  const auto* found = get<std::string>(*this, key);
  return found ? *found : std::string(fallback);
}

std::vector<int64_t> Node::integers(std::string_view key, std::vector<int64_t> fallback) const {
  const auto* found = get<std::vector<int64_t>>(*this, key);
  return found ? *found : fallback;
}

SymbolId Graph::add_symbol(std::string name, Range bounds) {
  const auto id = static_cast<SymbolId>(symbols_.size());
  symbols_by_name_.emplace(name, id);
  symbols_.push_back({std::move(name), bounds, std::nullopt});
  return id;
}

std::optional<SymbolId> Graph::find_symbol(std::string_view name) const {
  const auto found = symbols_by_name_.find(name);
  return found == symbols_by_name_.end() ? std::nullopt : std::optional(found->second);
}

std::vector<Range> Graph::symbol_ranges() const {
  std::vector<Range> out;
  out.reserve(symbols_.size());
  for (const Symbol& symbol : symbols_) out.push_back(symbol.bounds);
  return out;
}

std::vector<std::string> Graph::symbol_names() const {
  std::vector<std::string> out;
  out.reserve(symbols_.size());
  for (const Symbol& symbol : symbols_) out.push_back(symbol.name);
  return out;
}

ValueId Graph::add_value(std::string name, Type type) {
  const auto id = static_cast<ValueId>(values_.size());
  if (name.empty()) name = "value_" + std::to_string(id);
  for (int64_t suffix = id; by_name_.contains(name); ++suffix)
    if (std::string other = name + "_" + std::to_string(suffix); !by_name_.contains(other))
      name = std::move(other);
  by_name_.emplace(name, id);
  values_.push_back({std::move(name), std::move(type), std::nullopt, std::nullopt, kNoNode});
  return id;
}

ValueId Graph::add_constant(std::string name, Tensor tensor) {
  Type type{tensor.format(), Dims(tensor.shape().begin(), tensor.shape().end()), std::nullopt};
  const ValueId id = add_value(std::move(name), std::move(type));
  value(id).constant = std::move(tensor);
  return id;
}

ValueId Graph::add_input(std::string name, Type type) {
  const ValueId id = add_value(std::move(name), std::move(type));
  inputs.push_back(id);
  return id;
}

std::optional<ValueId> Graph::find_value(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? std::nullopt : std::optional(found->second);
}

NodeId Graph::add_node(Node node) {
  const auto id = static_cast<NodeId>(nodes_.size());
  for (const ValueId output : node.outputs)
    if (output != kNoValue) value(output).producer = id;
  nodes_.push_back(std::move(node));
  return id;
}

void Graph::erase_nodes(std::span<const NodeId> ids) {
  if (ids.empty()) return;
  std::vector<bool> gone(nodes_.size(), false);
  for (const NodeId id : ids) gone[static_cast<size_t>(id)] = true;
  std::vector<Node> kept;
  kept.reserve(nodes_.size());
  for (size_t i = 0; i < nodes_.size(); ++i) {
    if (!gone[i]) {
      kept.push_back(std::move(nodes_[i]));
      continue;
    }
    for (const ValueId output : nodes_[i].outputs)
      if (output != kNoValue) value(output).producer = kNoNode;
  }
  nodes_ = std::move(kept);
  for (size_t i = 0; i < nodes_.size(); ++i)
    for (const ValueId output : nodes_[i].outputs)
      if (output != kNoValue) value(output).producer = static_cast<NodeId>(i);
}

void Graph::redirect(std::span<const ValueId> with) {
  const auto moved = [&](ValueId id) {
    return id != kNoValue && static_cast<size_t>(id) < with.size() ? with[static_cast<size_t>(id)]
                                                                   : id;
  };
  for (Node& node : nodes_)
    for (ValueId& id : node.inputs) id = moved(id);
  for (ValueId& id : outputs) id = moved(id);
  for (State& state : states) state.write = moved(state.write);
}

std::optional<size_t> Graph::find_state(std::string_view name) const {
  for (size_t i = 0; i < states.size(); ++i)
    if (states[i].name == name) return i;
  return std::nullopt;
}

Status Graph::check_assumptions(const Bindings& bindings) const {
  for (const Assumption& assumption : assumptions) {
    const auto a = assumption.a.evaluate(bindings);
    const auto b = assumption.b.evaluate(bindings);
    if (!a || !b || *a == *b) continue;
    const std::vector<std::string> names = symbol_names();
    return fail(ErrorCode::kInvalidArgument, assumption.where + " needs " +
                                                 assumption.a.to_string(names) + " = " +
                                                 assumption.b.to_string(names) + ", but they are " +
                                                 std::to_string(*a) + " and " + std::to_string(*b));
  }
  return {};
}

bool Graph::is_input(ValueId id) const { return std::ranges::find(inputs, id) != inputs.end(); }
bool Graph::is_output(ValueId id) const { return std::ranges::find(outputs, id) != outputs.end(); }

std::vector<std::vector<NodeId>> Graph::consumers() const {
  std::vector<std::vector<NodeId>> out(values_.size());
  for (size_t i = 0; i < nodes_.size(); ++i) {
    const auto id = static_cast<NodeId>(i);
    for (const ValueId input : nodes_[i].inputs) {
      if (input == kNoValue) continue;
      auto& readers = out[static_cast<size_t>(input)];
      if (readers.empty() || readers.back() != id) readers.push_back(id);
    }
  }
  return out;
}

Status Graph::normalise() {
  std::vector<bool> given = given_values(*this);
  for (Value& value : values_) value.producer = kNoNode;
  for (size_t i = 0; i < nodes_.size(); ++i) {
    for (const ValueId output : nodes_[i].outputs) {
      if (output == kNoValue) continue;
      Value& made = value(output);
      if (given[static_cast<size_t>(output)] || made.producer != kNoNode) {
        return fail(ErrorCode::kCorrupt, "value '" + made.name + "' has two sources, one of them " +
                                             node_title(nodes_[i]));
      }
      made.producer = static_cast<NodeId>(i);
    }
  }
  const auto has_source = [&](ValueId id) {
    return given[static_cast<size_t>(id)] || value(id).known || value(id).producer != kNoNode;
  };
  std::vector<int32_t> missing(nodes_.size(), 0);
  const auto readers = consumers();
  for (size_t i = 0; i < nodes_.size(); ++i) {
    for (const ValueId input : nodes_[i].inputs) {
      if (input != kNoValue && !has_source(input)) {
        return fail(ErrorCode::kCorrupt, node_title(nodes_[i]) + " reads value '" +
                                             value(input).name + "', which nothing computes");
      }
    }
  }
  for (const ValueId output : outputs) {
    if (!has_source(output)) {
      return fail(ErrorCode::kCorrupt,
                  "output '" + value(output).name + "' is computed by nothing");
    }
  }
  for (size_t v = 0; v < values_.size(); ++v)
    if (values_[v].producer != kNoNode)
      for (const NodeId reader : readers[v]) ++missing[static_cast<size_t>(reader)];

  // Among the nodes that are ready the earliest goes first, so an ordered list stays as it is.
  std::priority_queue<NodeId, std::vector<NodeId>, std::greater<>> ready;
  for (size_t i = 0; i < nodes_.size(); ++i)
    if (missing[i] == 0) ready.push(static_cast<NodeId>(i));
  std::vector<NodeId> order;
  while (!ready.empty()) {
    const NodeId id = ready.top();
    ready.pop();
    order.push_back(id);
    for (const ValueId output : node(id).outputs) {
      if (output == kNoValue) continue;
      for (const NodeId reader : readers[static_cast<size_t>(output)])
        if (--missing[static_cast<size_t>(reader)] == 0) ready.push(reader);
    }
  }
  if (order.size() != nodes_.size()) {
    const auto stuck = std::ranges::find_if(missing, [](int32_t count) { return count > 0; });
    return fail(ErrorCode::kCorrupt,
                node_title(nodes_[static_cast<size_t>(stuck - missing.begin())]) +
                    " is part of a cycle or reads from one");
  }
  std::vector<Node> sorted;
  sorted.reserve(nodes_.size());
  for (const NodeId id : order) sorted.push_back(std::move(node(id)));
  nodes_ = std::move(sorted);
  for (size_t i = 0; i < nodes_.size(); ++i)
    for (const ValueId output : nodes_[i].outputs)
      if (output != kNoValue) value(output).producer = static_cast<NodeId>(i);
  return {};
}

std::string Graph::describe(ValueId id) const {
  if (id == kNoValue) return "nothing";
  const Value& described = value(id);
  const std::vector<std::string> names = symbol_names();
  std::string out = described.name + " [";
  for (size_t i = 0; i < described.type.shape.size(); ++i)
    out += (i == 0 ? "" : ", ") + described.type.shape[i].to_string(names);
  return out + "] " + std::string(info(described.type.format).name);
}

}  // namespace tenwatt::graph
