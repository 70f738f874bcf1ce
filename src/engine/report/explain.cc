#include "engine/report/explain.h"

namespace tenwatt::engine {

PlanReport explain(const Program& program) {
  const Plan& plan = program.plan();
  const auto device_name = [&](int index) {
    return plan.options.devices[static_cast<size_t>(index)]->info().name;
  };
  PlanReport report;
  report.graph = plan.graph.name;
  report.precision = plan.options.precision == devices::Precision::kExact ? "exact" : "fast";
  report.segments = plan.segments;
  report.resident_bytes = program.resident_bytes();
  report.state_bytes_per_row = program.state_bytes_per_row();
  for (size_t i = 0; i < plan.partitions.size(); ++i) {
    const PlannedPartition& planned = plan.partitions[i];
    const devices::Device& device = *plan.options.devices[static_cast<size_t>(planned.device)];
    PartitionReport row;
    row.device = device.info().name;
    row.segment = planned.segment;
    row.nodes = static_cast<int64_t>(planned.nodes.size());
    for (graph::ValueId id : planned.inputs) row.inputs.push_back(plan.graph.describe(id));
    for (graph::ValueId id : planned.outputs) row.outputs.push_back(plan.graph.describe(id));
    row.copies = !device.info().host_memory;
    row.resident_bytes = program.resident_bytes(i);
    report.partitions.push_back(std::move(row));
  }
  for (size_t i = 0; i < plan.graph.nodes().size(); ++i) {
    const graph::Node& node = plan.graph.nodes()[i];
    const NodePlacement& placement = plan.placements[i];
    NodeReport row;
    row.name = node.name;
    row.op = node.op;
    if (placement.device >= 0) row.device = device_name(placement.device);
    row.kernel = placement.device >= 0 ? placement.kernel : "shape arithmetic";
    row.kind = placement.kind;
    row.partition = placement.partition;
    for (const auto& refusal : placement.refusals) {
      row.refusals.push_back(device_name(refusal.device) + ": " + refusal.no.reason + " (" +
                             refusal.no.remedy + ")");
    }
    report.nodes.push_back(std::move(row));
  }
  return report;
}

}  // namespace tenwatt::engine
