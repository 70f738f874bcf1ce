// Graphs made from parts of graphs: without dead code, and a part cut out as a graph of its own.
// Both copy values one by one and then let states and sources of symbols follow.
#include <set>

#include "graph/ir/graph.h"

namespace tenwatt::graph {
namespace {

/// The append states that a node reads and extends.
std::vector<std::string> append_states(const Node& node) {
  std::vector<std::string> out;
  for (const std::string_view key : {"k_state", "v_state"})
    if (node.attribute(key) != nullptr) out.push_back(node.text(key, ""));
  return out;
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
  to.symbols_by_name_ = symbols_by_name_;
  to.values_.reserve(values_.size());
  to.nodes_.reserve(nodes_.size());
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
  to.one_run = one_run;
  to.folded_bytes = folded_bytes;
  copier.move_sources(Inputs::kAreRead);
  *this = std::move(to);
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
  out.one_run = graph.one_run;
  out.folded_bytes = graph.folded_bytes;
  copier.move_sources(Inputs::kBindSymbols);
  return out;
}

}  // namespace tenwatt::graph
