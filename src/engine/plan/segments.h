// Where a plan must stop and look at numbers before it can go on.
#pragma once

#include <vector>

#include "graph/ir/graph.h"

namespace tenwatt::engine {

struct Segments {
  std::vector<int> of_node;  ///< by NodeId
  int count = 0;
  /// Data-dependent symbols whose source is computed in segment i.
  std::vector<std::vector<graph::SymbolId>> bound_after;
};

/// Gives each node the first segment in which all dimensions it needs are numbers.
Segments find_segments(const graph::Graph& graph);

/// By NodeId: the node only computes values that are known symbolically and that nothing outside
/// the graph asks for, so it needs no run time.
std::vector<bool> shape_arithmetic(const graph::Graph& graph);

}  // namespace tenwatt::engine
