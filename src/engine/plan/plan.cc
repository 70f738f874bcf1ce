#include "engine/plan/plan.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "engine/plan/segments.h"
#include "graph/ir/kept.h"

namespace tenwatt::engine {

using devices::Claim;
using devices::No;
using devices::Yes;
using graph::Graph;
using graph::kNoNode;
using graph::kNoValue;
using graph::Node;
using graph::NodeId;
using graph::Value;
using graph::ValueId;

namespace {

/// Gives each node that needs run time the first device that claims it.
Status place(const Graph& graph, const PlanOptions& options, const std::vector<bool>& free,
             std::vector<NodePlacement>& placements) {
  std::vector<std::vector<Claim>> claims;
  for (const auto& device : options.devices) {
    claims.push_back(device->claim(graph, options.precision));
  }
  placements.resize(graph.nodes().size());
  for (size_t i = 0; i < graph.nodes().size(); ++i) {
    if (free[i]) continue;
    NodePlacement& placement = placements[i];
    for (size_t d = 0; d < claims.size() && placement.device < 0; ++d) {
      const Claim& claim = claims[d][i];
      if (const Yes* yes = std::get_if<Yes>(&claim)) {
        placement.device = static_cast<int>(d);
        placement.kernel = yes->kernel;
        placement.kind = yes->kind;
      } else {
        placement.refusals.push_back({static_cast<int>(d), std::get<No>(claim)});
      }
    }
    const Node& node = graph.nodes()[i];
    const bool refused = placement.device < 0 ||
                         (options.fallback == Fallback::kRefuse && !placement.refusals.empty());
    if (refused) {
      const auto& refusal = placement.refusals.front();
      const std::string& device = options.devices[static_cast<size_t>(refusal.device)]->info().name;
      return fail(ErrorCode::kUnsupported,
                  "node " + node.name + " (" + node.op + ") can't run on " + device + ": " +
                      refusal.no.reason,
                  refusal.no.remedy);
    }
  }
  return {};
}

/// Convex groups: a node's depth grows by one wherever the device changes on a path to it, so
/// nodes of one (segment, depth, device) have no path out of the group and back into it.
void group(const Graph& graph, const Segments& segments, std::vector<NodePlacement>& placements,
           std::vector<std::tuple<int, int, int>>& keys) {
  std::vector<int> depth(graph.nodes().size(), 0);
  std::map<std::tuple<int, int, int>, std::vector<size_t>> groups;
  for (size_t i = 0; i < graph.nodes().size(); ++i) {
    if (placements[i].device < 0) continue;
    for (ValueId input : graph.nodes()[i].inputs) {
      if (input == kNoValue || graph.value(input).known) continue;
      const NodeId producer = graph.value(input).producer;
      if (producer == kNoNode) continue;
      const auto p = static_cast<size_t>(producer);
      if (placements[p].device < 0 || segments.of_node[p] != segments.of_node[i]) continue;
      const int step = placements[p].device != placements[i].device ? 1 : 0;
      depth[i] = std::max(depth[i], depth[p] + step);
    }
    groups[{segments.of_node[i], depth[i], placements[i].device}].push_back(i);
  }
  for (const auto& [key, nodes] : groups) {
    const int index = static_cast<int>(keys.size());
    for (size_t node : nodes) placements[node].partition = index;
    keys.push_back(key);
  }
}

/// Copies one partition out of the plan's graph into a graph of its own.
class PartitionCutter {
 public:
  PartitionCutter(const Graph& graph, const std::vector<NodePlacement>& placements)
      : graph_(graph),
        placements_(placements),
        consumers_(graph.consumers()),
        kept_(graph::kept_values(graph)) {}

  PlannedPartition cut(int index, const std::tuple<int, int, int>& key) {
    PlannedPartition planned;
    std::tie(planned.segment, std::ignore, planned.device) = key;
    local_.assign(graph_.values().size(), kNoValue);
    Graph& part = planned.partition.graph;
    part.name = graph_.name;
    for (const graph::Symbol& symbol : graph_.symbols()) {
      // The engine binds all symbols; a partition sees them as plain numbers.
      part.add_symbol(symbol.name, symbol.bounds);
    }
    part.tokens = graph_.tokens;
    part.wanted = graph_.wanted;
    for (size_t i = 0; i < graph_.nodes().size(); ++i) {
      if (placements_[i].partition != index) continue;
      planned.nodes.push_back(static_cast<NodeId>(i));
      add_node(graph_.nodes()[i], planned);
    }
    for (NodeId node : planned.nodes) {
      for (ValueId id : graph_.node(node).outputs) {
        if (id != kNoValue && leaves(id, index)) {
          const ValueId here = local_[static_cast<size_t>(id)];
          planned.outputs.push_back(id);
          part.outputs.push_back(here);
          // Somebody needs the bytes: the number behind the name has to be computed here.
          part.value(here).known.reset();
        }
      }
    }
    for (graph::State state : graph_.states) {
      state.read = state.read == kNoValue ? kNoValue : local_[static_cast<size_t>(state.read)];
      state.write = state.write == kNoValue ? kNoValue : local_[static_cast<size_t>(state.write)];
      part.states.push_back(std::move(state));
    }
    // Extents that a node of this partition decides stay its own to bind.
    for (size_t s = 0; s < graph_.symbols().size(); ++s) {
      const auto& source = graph_.symbols()[s].source;
      if (!source || source->kind != graph::Symbol::Source::Kind::kExtent) continue;
      const ValueId here = local_[static_cast<size_t>(source->value)];
      if (here == kNoValue || part.value(here).producer == kNoNode) continue;
      auto moved = *source;
      moved.value = here;
      part.symbol(static_cast<graph::SymbolId>(s)).source = moved;
    }
    return planned;
  }

 private:
  void add_node(Node node, PlannedPartition& planned) {
    for (ValueId& id : node.inputs) {
      if (id != kNoValue) id = use(id, planned);
    }
    for (ValueId& id : node.outputs) {
      if (id != kNoValue) id = make(id, planned.partition.graph);
    }
    planned.partition.graph.add_node(std::move(node));
  }

  ValueId use(ValueId id, PlannedPartition& planned) {
    ValueId& here = local_[static_cast<size_t>(id)];
    if (here != kNoValue) return here;
    const Value& value = graph_.value(id);
    here = make(id, planned.partition.graph);
    if (!value.constant && !value.known) {
      planned.inputs.push_back(id);
      planned.partition.graph.inputs.push_back(here);
    }
    return here;
  }

  ValueId make(ValueId id, Graph& part) {
    const Value& value = graph_.value(id);
    const ValueId here = part.add_value(value.name, value.type);
    part.value(here).constant = value.constant;
    part.value(here).known = value.known;
    local_[static_cast<size_t>(id)] = here;
    return here;
  }

  /// A value of partition `index` that somebody outside it reads.
  bool leaves(ValueId id, int index) const {
    if (kept_[static_cast<size_t>(id)]) return true;
    for (const graph::Symbol& symbol : graph_.symbols()) {
      if (symbol.source && symbol.source->value == id &&
          symbol.source->kind == graph::Symbol::Source::Kind::kElement) {
        return true;
      }
    }
    if (graph_.value(id).known) return false;
    return std::ranges::any_of(consumers_[static_cast<size_t>(id)], [&](NodeId node) {
      const int partition = placements_[static_cast<size_t>(node)].partition;
      return partition >= 0 && partition != index;
    });
  }

  const Graph& graph_;
  const std::vector<NodePlacement>& placements_;
  std::vector<std::vector<NodeId>> consumers_;
  std::vector<bool> kept_;
  std::vector<ValueId> local_;  // by ValueId of graph_
};

}  // namespace

Result<Plan> make_plan(Graph graph, PlanOptions options, const std::string& key) {
  if (options.devices.empty()) {
    return fail(ErrorCode::kInvalidArgument, "a plan needs at least one device");
  }
  Plan plan;
  plan.graph = std::move(graph);
  plan.options = std::move(options);
  const Segments segments = find_segments(plan.graph);
  plan.segments = segments.count;
  plan.bound_after = segments.bound_after;
  TENWATT_TRY(place(plan.graph, plan.options, shape_arithmetic(plan.graph), plan.placements));
  std::vector<std::tuple<int, int, int>> keys;
  group(plan.graph, segments, plan.placements, keys);
  PartitionCutter cutter(plan.graph, plan.placements);
  for (size_t i = 0; i < keys.size(); ++i) {
    PlannedPartition planned = cutter.cut(static_cast<int>(i), keys[i]);
    planned.partition.precision = plan.options.precision;
    if (!key.empty()) planned.partition.key = key + "." + std::to_string(i);
    TENWATT_TRY(planned.partition.graph.normalise());
    plan.partitions.push_back(std::move(planned));
  }
  return plan;
}

}  // namespace tenwatt::engine
