// The plan: which device runs which part of a graph, in which order, and what that costs.
//
// A plan is a pure function of graph, options and devices. It is a list of segments; a segment
// ends where a value becomes a dimension (Piper's frame count), because what follows can only be
// bound to numbers then. In a segment, nodes are grouped into convex partitions, one device each.
// Nodes whose results are known symbolically (shape arithmetic) are in no partition: they cost
// nothing at run time.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "devices/interface/device.h"
#include "graph/ir/graph.h"

namespace tenwatt::engine {

/// What to do when a device that was asked for can't take a node.
enum class Fallback : uint8_t {
  kNextDevice,  ///< the next device of the list that can takes it
  kRefuse,      ///< `--strict`: planning fails, naming node and reason
};

struct PlanOptions {
  /// In order of preference; the last one is the CPU, which picks up the rest.
  std::vector<std::shared_ptr<devices::Device>> devices;
  devices::Precision precision = devices::Precision::kFast;
  Fallback fallback = Fallback::kNextDevice;
};

/// Why a node is where it is.
struct NodePlacement {
  static constexpr int kNowhere = -1;
  int device = kNowhere;     ///< index in PlanOptions::devices; kNowhere: shape arithmetic
  int partition = kNowhere;  ///< index in Plan::partitions
  std::string kernel;        ///< what runs it
  devices::KernelKind kind = devices::KernelKind::kOwn;
  /// Refusals of the devices that were preferred but said No.
  struct Refusal {
    int device;
    devices::No no;
  };
  std::vector<Refusal> refusals;
};

/// A convex part of the graph on one device.
struct PlannedPartition {
  int device = 0;
  int segment = 0;
  devices::Partition partition;        ///< its own graph, ready for Device::build
  std::vector<graph::NodeId> nodes;    ///< in the plan's graph
  std::vector<graph::ValueId> inputs;  ///< in the plan's graph, in the order of partition.graph
  std::vector<graph::ValueId> outputs;
};

struct Plan {
  graph::Graph graph;  ///< canonical: what was claimed and is explained
  PlanOptions options;
  std::vector<PlannedPartition> partitions;  ///< in order of execution
  std::vector<NodePlacement> placements;     ///< by NodeId of `graph`
  int segments = 0;
  /// Symbols whose numbers are read from values after a segment ran: by segment.
  std::vector<std::vector<graph::SymbolId>> bound_after;
};

/// Plans a graph whose shapes are inferred. `key` names what it was made from (artifact keys).
Result<Plan> make_plan(graph::Graph graph, PlanOptions options, const std::string& key);

}  // namespace tenwatt::engine
