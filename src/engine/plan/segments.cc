#include "engine/plan/segments.h"

#include <algorithm>

#include "graph/ir/kept.h"

namespace tenwatt::engine {

using graph::Dim;
using graph::Graph;
using graph::kNoNode;
using graph::kNoValue;
using graph::Node;
using graph::NodeId;
using graph::SymbolId;
using graph::Value;
using graph::ValueId;

namespace {

/// The symbols that must be numbers before `node` can be bound.
std::vector<SymbolId> needed_symbols(const Graph& graph, const Node& node) {
  std::vector<SymbolId> symbols;
  auto add = [&](const graph::Dims& dims) {
    for (const Dim& dim : dims) {
      for (SymbolId id : dim.symbols()) symbols.push_back(id);
    }
  };
  for (ValueId id : node.inputs) {
    if (id == kNoValue) continue;
    add(graph.value(id).type.shape);
    if (graph.value(id).known) add(*graph.value(id).known);
  }
  for (ValueId id : node.outputs) {
    if (id != kNoValue) add(graph.value(id).type.shape);
  }
  std::ranges::sort(symbols);
  symbols.erase(std::unique(symbols.begin(), symbols.end()), symbols.end());
  return symbols;
}

}  // namespace

std::vector<bool> shape_arithmetic(const Graph& graph) {
  // A value that a symbol is read from must be computed, though its content has a name.
  std::vector<bool> must = graph::kept_values(graph);
  for (const graph::Symbol& symbol : graph.symbols()) {
    if (symbol.source) must[static_cast<size_t>(symbol.source->value)] = true;
  }
  std::vector<bool> free(graph.nodes().size(), false);
  for (size_t i = 0; i < graph.nodes().size(); ++i) {
    const Node& node = graph.nodes()[i];
    free[i] = std::ranges::all_of(node.outputs, [&](ValueId id) {
      return id == kNoValue || (graph.value(id).known && !must[static_cast<size_t>(id)]);
    });
  }
  return free;
}

Segments find_segments(const Graph& graph) {
  Segments segments;
  segments.of_node.assign(graph.nodes().size(), 0);
  auto segment_of_value = [&](ValueId id) {
    const NodeId producer = graph.value(id).producer;
    return producer == kNoNode ? 0 : segments.of_node[static_cast<size_t>(producer)];
  };
  for (size_t i = 0; i < graph.nodes().size(); ++i) {
    const Node& node = graph.nodes()[i];
    int segment = 0;
    for (ValueId id : node.inputs) {
      // What is known symbolically needs no producer; its symbols count below.
      if (id != kNoValue && !graph.value(id).known) {
        segment = std::max(segment, segment_of_value(id));
      }
    }
    for (SymbolId id : needed_symbols(graph, node)) {
      const auto& source = graph.symbol(id).source;
      if (!source) continue;
      // A node that decides the extent of its own output doesn't wait for itself, nor does the
      // one that computes the number.
      if (std::ranges::find(node.outputs, source->value) != node.outputs.end()) continue;
      const NodeId producer = graph.value(source->value).producer;
      if (producer == kNoNode) continue;  // read from an input before the first segment
      segment = std::max(segment, segments.of_node[static_cast<size_t>(producer)] + 1);
    }
    segments.of_node[i] = segment;
    segments.count = std::max(segments.count, segment + 1);
  }
  segments.count = std::max(segments.count, 1);
  segments.bound_after.resize(static_cast<size_t>(segments.count));
  for (size_t id = 0; id < graph.symbols().size(); ++id) {
    const auto& source = graph.symbols()[id].source;
    if (!source || graph.value(source->value).producer == kNoNode) continue;
    const int segment = segment_of_value(source->value);
    segments.bound_after[static_cast<size_t>(segment)].push_back(static_cast<SymbolId>(id));
  }
  return segments;
}

}  // namespace tenwatt::engine
