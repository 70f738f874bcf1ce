// The graph's tables: unique names, producer-before-consumer order, dead code, and cutting a part
// out as a graph of its own. Nothing here knows what an operator means.
#include "graph/ir/graph.h"

#include <algorithm>
#include <functional>
#include <queue>
#include <set>

namespace tenwatt::graph {
namespace {

template <class T>
const T* get(const Node& node, std::string_view key) {
  const Attribute* attribute = node.attribute(key);
  return attribute ? std::get_if<T>(attribute) : nullptr;
}

std::string node_title(const Node& node) { return node.op + " '" + node.name + "'"; }

/// The append states that a node reads and extends.
std::vector<std::string> append_states(const Node& node) {
  std::vector<std::string> out;
  for (const std::string_view key : {"k_state", "v_state"})
    if (const auto* state = get<std::string>(node, key)) out.push_back(*state);
  return out;
}

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

/// The values that the symbols of `dims` are read from.
template <class Visit>
void visit_sources(const Graph& graph, const Dims& dims, Visit visit) {
  for (const Dim& dim : dims)
    for (const SymbolId id : dim.symbols())
      if (const auto& source = graph.symbol(id).source)
        if (source->value != kNoValue) visit(source->value);
}

/// Whether a symbol that is read from an input is the caller's to bind.
enum class Inputs : uint8_t { kAreRead, kBindSymbols };

/// Copies values one by one into another graph whose symbols are the same.
class Copier {
 public:
  Copier(const Graph& from, Graph& to)
      : from_(from), to_(to), ids_(from.values().size(), kNoValue) {}

  ValueId copied(ValueId id) {
    if (id == kNoValue) return kNoValue;
    ValueId& to = ids_[static_cast<size_t>(id)];
    if (to != kNoValue) return to;
    const Value& value = from_.value(id);
    to = to_.add_value(value.name, value.type);
    to_.value(to).constant = value.constant;
    to_.value(to).known = value.known;
    return to;
  }
  ValueId at(ValueId id) const { return id == kNoValue ? kNoValue : ids_[static_cast<size_t>(id)]; }

  void copy_node(const Node& node) {
    Node copy = node;
    for (ValueId& id : copy.inputs) id = copied(id);
    for (ValueId& id : copy.outputs) id = copied(id);
    to_.add_node(std::move(copy));
  }

  /// Sources of symbols follow their values; one whose value stayed behind, or came as an input of
  /// a cut, is bound from outside.
  void move_sources(Inputs inputs) {
    for (size_t i = 0; i < to_.symbols().size(); ++i) {
      auto& source = to_.symbol(static_cast<SymbolId>(i)).source;
      if (!source) continue;
      source->value = at(source->value);
      const bool bound = source->value == kNoValue ||
                         (inputs == Inputs::kBindSymbols && to_.is_input(source->value));
      if (bound) source.reset();
    }
  }

 private:
  const Graph& from_;
  Graph& to_;
  std::vector<ValueId> ids_;
};

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
  symbols_.push_back({std::move(name), bounds, std::nullopt});
  return static_cast<SymbolId>(symbols_.size()) - 1;
}

std::optional<SymbolId> Graph::find_symbol(std::string_view name) const {
  for (size_t i = 0; i < symbols_.size(); ++i)
    if (symbols_[i].name == name) return static_cast<SymbolId>(i);
  return std::nullopt;
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

void Graph::compact() {
  std::vector<bool> needed(values_.size(), false);
  std::vector<bool> kept(nodes_.size(), false);
  std::vector<ValueId> queue;
  const auto need = [&](ValueId id) {
    if (id == kNoValue || needed[static_cast<size_t>(id)]) return;
    needed[static_cast<size_t>(id)] = true;
    queue.push_back(id);
  };
  for (const ValueId id : inputs) need(id);
  for (const ValueId id : outputs) need(id);
  for (const State& state : states) need(state.read), need(state.write);
  while (!queue.empty()) {
    const Value& next = value(queue.back());
    queue.pop_back();
    visit_sources(*this, next.type.shape, need);
    if (next.known && next.producer == kNoNode) visit_sources(*this, *next.known, need);
    if (next.producer == kNoNode || kept[static_cast<size_t>(next.producer)]) continue;
    kept[static_cast<size_t>(next.producer)] = true;
    for (const ValueId id : node(next.producer).inputs) need(id);
    // Unused outputs keep their place in the list.
    for (const ValueId id : node(next.producer).outputs) need(id);
  }

  Graph to;
  to.name = name;
  to.symbols_ = symbols_;
  Copier copier(*this, to);
  for (size_t i = 0; i < values_.size(); ++i)
    if (needed[i]) copier.copied(static_cast<ValueId>(i));
  for (size_t i = 0; i < nodes_.size(); ++i)
    if (kept[i]) copier.copy_node(nodes_[i]);
  for (const ValueId id : inputs) to.inputs.push_back(copier.copied(id));
  for (const ValueId id : outputs) to.outputs.push_back(copier.copied(id));
  for (State state : states) {
    state.read = copier.copied(state.read);
    state.write = copier.copied(state.write);
    to.states.push_back(std::move(state));
  }
  to.tokens = tokens;
  to.wanted = wanted;
  to.assumptions = assumptions;
  copier.move_sources(Inputs::kAreRead);
  *this = std::move(to);
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

Result<Graph> extract(const Graph& graph, std::span<const ValueId> inputs,
                      std::span<const ValueId> outputs) {
  const std::set<ValueId> border(inputs.begin(), inputs.end());
  std::vector<bool> seen(graph.values().size(), false);
  std::vector<bool> inside(graph.nodes().size(), false);
  std::set<ValueId> state_reads;
  for (const State& state : graph.states) state_reads.insert(state.read);

  // Data-dependent extents need the value they are read from, unless an input decides them.
  std::vector<bool> number_needed(graph.symbols().size(), false);
  for (size_t i = 0; i < number_needed.size(); ++i) {
    number_needed[i] = graph.symbols()[i].source.has_value();
  }
  for (const ValueId id : inputs) {
    for (const Dim& dim : graph.value(id).type.shape) {
      for (const SymbolId symbol : dim.symbols())
        number_needed[static_cast<size_t>(symbol)] = false;
    }
  }
  std::vector<ValueId> queue(outputs.begin(), outputs.end());
  const auto want_numbers = [&](const Dims& dims) {
    for (const Dim& dim : dims) {
      for (const SymbolId symbol : dim.symbols()) {
        if (!number_needed[static_cast<size_t>(symbol)]) continue;
        number_needed[static_cast<size_t>(symbol)] = false;
        queue.push_back(graph.symbol(symbol).source->value);
      }
    }
  };
  while (!queue.empty()) {
    const ValueId id = queue.back();
    queue.pop_back();
    if (id == kNoValue || seen[static_cast<size_t>(id)]) continue;
    seen[static_cast<size_t>(id)] = true;
    const Value& value = graph.value(id);
    if (border.contains(id) || value.constant || state_reads.contains(id)) continue;
    want_numbers(value.type.shape);
    if (value.known) want_numbers(*value.known);
    if (value.producer == kNoNode && value.known) continue;
    if (value.producer == kNoNode) {
      return fail(ErrorCode::kInvalidArgument,
                  "the cut also needs " + graph.describe(id) + ", which is not among its inputs");
    }
    inside[static_cast<size_t>(value.producer)] = true;
    for (const ValueId input : graph.node(value.producer).inputs) queue.push_back(input);
  }

  Graph out;
  out.name = graph.name;
  for (const Symbol& symbol : graph.symbols()) {
    const SymbolId id = out.add_symbol(symbol.name, symbol.bounds);
    out.symbol(id).source = symbol.source;
  }
  Copier copier(graph, out);
  for (const ValueId id : inputs) {
    const ValueId input = copier.copied(id);
    out.value(input).constant.reset();
    if (!out.is_input(input)) out.inputs.push_back(input);
  }
  std::set<std::string> appended;
  for (size_t i = 0; i < inside.size(); ++i) {
    if (!inside[i]) continue;
    const Node& node = graph.node(static_cast<NodeId>(i));
    copier.copy_node(node);
    for (const std::string& state : append_states(node)) appended.insert(state);
  }
  for (const ValueId id : outputs) out.outputs.push_back(copier.copied(id));
  for (State state : graph.states) {
    const ValueId read = copier.at(state.read);
    const ValueId write = copier.at(state.write);
    const bool reads = read != kNoValue && !out.is_input(read);
    const bool writes = write != kNoValue && !out.is_input(write);
    if (!reads && !writes && !appended.contains(state.name)) continue;
    state.read = reads ? read : kNoValue;
    state.write = writes ? write : kNoValue;
    out.states.push_back(std::move(state));
  }
  out.tokens = graph.tokens;
  out.wanted = graph.wanted;
  out.assumptions = graph.assumptions;
  copier.move_sources(Inputs::kBindSymbols);
  return out;
}

}  // namespace tenwatt::graph
