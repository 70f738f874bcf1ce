// Which values of a graph somebody reads besides its own nodes.
#pragma once

#include <vector>

#include "graph/ir/graph.h"

namespace tenwatt::graph {

/// By ValueId: the value is an output, or what a state becomes; it has to be computed and to keep
/// its identity whatever happens to its consumers.
std::vector<bool> kept_values(const Graph& graph);

}  // namespace tenwatt::graph
