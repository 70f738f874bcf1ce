#include "graph/ir/kept.h"

namespace tenwatt::graph {

std::vector<bool> kept_values(const Graph& graph) {
  std::vector<bool> kept(graph.values().size(), false);
  for (const ValueId id : graph.outputs) kept[static_cast<size_t>(id)] = true;
  for (const State& state : graph.states) {
    if (state.write != kNoValue) kept[static_cast<size_t>(state.write)] = true;
  }
  return kept;
}

}  // namespace tenwatt::graph
