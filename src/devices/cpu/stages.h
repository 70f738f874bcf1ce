// Stages: the parts of a partition between two points where a number that the graph itself
// computes (an element, or an extent such as NonZero's) becomes a dimension.
#pragma once

#include <vector>

#include "base/result.h"
#include "graph/ir/graph.h"

namespace tenwatt::cpu {

/// How a stage runs.
enum class StageKind : uint8_t {
  kSteps,   ///< one dispatch to the team
  kExtent,  ///< one node whose output extents only its reference kernel can tell
};

struct Stage {
  StageKind kind = StageKind::kSteps;
  graph::NodeId first = 0;  ///< nodes [first, last)
  graph::NodeId last = 0;
  std::vector<graph::ValueId> arriving;  ///< computed by earlier stages, used here
  std::vector<graph::ValueId> leaving;   ///< computed here, used by later stages
  std::vector<graph::SymbolId> decides;  ///< symbols bound from this stage's values
};

/// Cuts a normalised graph into stages.
std::vector<Stage> cut_into_stages(const graph::Graph& graph);

}  // namespace tenwatt::cpu
