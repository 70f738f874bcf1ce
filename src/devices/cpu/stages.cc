#include "devices/cpu/stages.h"

#include <algorithm>

namespace tenwatt::cpu {
namespace {

using graph::Graph;
using graph::NodeId;
using graph::SymbolId;
using graph::ValueId;

/// The symbols that each node's values decide.
std::vector<std::vector<SymbolId>> decided_by_node(const Graph& graph) {
  std::vector<std::vector<SymbolId>> decided(graph.nodes().size());
  for (size_t id = 0; id < graph.symbols().size(); ++id) {
    const auto& source = graph.symbols()[id].source;
    if (!source || source->value < 0 ||
        source->value >= static_cast<ValueId>(graph.values().size())) {
      continue;
    }
    const NodeId producer = graph.value(source->value).producer;
    if (producer != graph::kNoNode) {
      decided[static_cast<size_t>(producer)].push_back(static_cast<SymbolId>(id));
    }
  }
  return decided;
}

bool decides_extent(const Graph& graph, std::span<const SymbolId> symbols) {
  return std::ranges::any_of(symbols, [&](SymbolId id) {
    return graph.symbol(id).source->kind == graph::Symbol::Source::Kind::kExtent;
  });
}

void add_unique(std::vector<ValueId>& list, ValueId id) {
  if (std::ranges::find(list, id) == list.end()) list.push_back(id);
}

void find_crossings(const Graph& graph, std::vector<Stage>& stages) {
  std::vector<size_t> stage_of(graph.nodes().size());
  for (size_t s = 0; s < stages.size(); ++s) {
    for (NodeId n = stages[s].first; n < stages[s].last; ++n) stage_of[static_cast<size_t>(n)] = s;
  }
  const auto cross = [&](ValueId id, size_t user) {
    if (id == graph::kNoValue) return;
    const NodeId producer = graph.value(id).producer;
    if (producer == graph::kNoNode) return;
    const size_t home = stage_of[static_cast<size_t>(producer)];
    if (home == user) return;
    add_unique(stages[home].leaving, id);
    add_unique(stages[user].arriving, id);
  };
  for (size_t n = 0; n < graph.nodes().size(); ++n) {
    for (ValueId id : graph.nodes()[n].inputs) cross(id, stage_of[n]);
  }
  for (size_t s = 0; s < stages.size(); ++s) {
    for (SymbolId symbol : stages[s].decides) {
      add_unique(stages[s].leaving, graph.symbol(symbol).source->value);
    }
  }
}

}  // namespace

std::vector<Stage> cut_into_stages(const Graph& graph) {
  const auto decided = decided_by_node(graph);
  std::vector<Stage> stages;
  Stage open;
  const auto close = [&](NodeId end) {
    open.last = end;
    if (open.last > open.first) stages.push_back(open);
    open = Stage{};
    open.first = end;
  };
  for (size_t n = 0; n < decided.size(); ++n) {
    if (decided[n].empty()) continue;
    const NodeId node = static_cast<NodeId>(n);
    if (decides_extent(graph, decided[n])) {
      close(node);
      open.kind = StageKind::kExtent;
    }
    open.decides = decided[n];
    close(node + 1);
  }
  close(static_cast<NodeId>(decided.size()));
  if (stages.empty()) stages.push_back(open);  // no nodes: outputs are constants or inputs
  find_crossings(graph, stages);
  return stages;
}

}  // namespace tenwatt::cpu
