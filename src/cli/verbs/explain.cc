// tenwatt explain: where each part of a model runs, and why.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "cli/json.h"
#include "cli/model_options.h"
#include "cli/network_options.h"
#include "cli/output.h"
#include "cli/verbs.h"

namespace tenwatt::cli {
namespace {

constexpr std::array kOptions = {
    OptionSpec{.name = "json", .type = OptionType::kSwitch, .help = "as JSON"},
    OptionSpec{.name = "nodes",
               .type = OptionType::kSwitch,
               .help = "every node, instead of a count per kernel"},
    kInputOption,
    kShapeOption,
};

std::string as_json(const std::vector<Placement>& placements) {
  JsonWriter json;
  json.begin_array();
  for (const Placement& placement : placements) {
    json.begin_object();
    json.member("graph", placement.graph).member("precision", placement.precision);
    json.member("segments", placement.segments);
    json.member("resident_bytes", placement.resident_bytes);
    json.member("state_bytes_per_row", placement.state_bytes_per_row);
    json.key("partitions").begin_array();
    for (const PlacedPartition& partition : placement.partitions) {
      json.begin_object();
      json.member("device", partition.device).member("segment", partition.segment);
      json.member("nodes", partition.nodes).member("inputs", partition.inputs);
      json.member("outputs", partition.outputs).member("copies", partition.copies);
      json.member("resident_bytes", partition.resident_bytes);
      json.end_object();
    }
    json.end_array().key("nodes").begin_array();
    for (const PlacedNode& node : placement.nodes) {
      json.begin_object();
      json.member("name", node.name).member("op", node.op).member("device", node.device);
      json.member("kernel", node.kernel).member("kind", node.kind);
      json.member("partition", node.partition);
      json.member("refusals", node.refusals);
      json.end_object();
    }
    json.end_array().end_object();
  }
  return json.end_array().text() + "\n";
}

void add_partitions(std::string& text, const Placement& placement) {
  for (size_t i = 0; i < placement.partitions.size(); ++i) {
    const PlacedPartition& partition = placement.partitions[i];
    text += fmt::format("  partition {} on {} (segment {}): {} nodes, {} resident{}\n", i,
                        partition.device, partition.segment, partition.nodes,
                        human_bytes(partition.resident_bytes),
                        partition.copies ? ", values are copied" : "");
    for (const std::string& value : partition.inputs) text += "    in  " + value + "\n";
    for (const std::string& value : partition.outputs) text += "    out " + value + "\n";
  }
}

void add_nodes(std::string& text, const Placement& placement) {
  for (const PlacedNode& node : placement.nodes) {
    text += fmt::format("  {:<10} {:<28} {} ({})\n", node.device.empty() ? "-" : node.device,
                        node.kernel, node.name, node.op);
    for (const std::string& refusal : node.refusals) text += "    not on " + refusal + "\n";
  }
}

/// How many nodes run on whose kernels.
void add_kinds(std::string& text, const Placement& placement) {
  const auto count = [&](std::string_view kind) {
    return std::ranges::count(placement.nodes, kind, &PlacedNode::kind);
  };
  text += fmt::format(
      "  {} nodes on the devices' own kernels, {} on shared data-movement kernels, {} on reference "
      "kernels\n",
      count("own"), count("movement"), count("reference"));
}

void add_counts(std::string& text, const Placement& placement) {
  std::map<std::string, int> kernels;
  std::map<std::string, int> refusals;
  for (const PlacedNode& node : placement.nodes) {
    kernels[(node.device.empty() ? "-" : node.device) + "  " + node.kernel] += 1;
    for (const std::string& refusal : node.refusals) refusals[refusal] += 1;
  }
  for (const auto& [kernel, count] : kernels) text += fmt::format("  {:>5} x {}\n", count, kernel);
  // Reasons may name values, so that there are as many as nodes.
  constexpr size_t kMostRefusals = 12;
  size_t shown = 0;
  for (const auto& [refusal, count] : refusals) {
    if (shown++ == kMostRefusals) break;
    text += fmt::format("  {:>5} x not on {}\n", count, refusal);
  }
  if (refusals.size() > kMostRefusals) {
    text += fmt::format("  and {} more (--nodes)\n",
                        counted(refusals.size() - kMostRefusals, "reason"));
  }
}

/// Of any model; with shapes or inputs, of an ONNX graph that is planned for these.
Result<std::vector<Placement>> placements_of(const Invocation& invocation,
                                             const std::string& model) {
  if (!invocation.options.has("input") && !invocation.options.has("shape")) {
    return explain(TENWATT_TRY(open_runtime(invocation)), model);
  }
  const auto network = TENWATT_TRY(open_network(invocation, model));
  const auto inputs = TENWATT_TRY(network_inputs(invocation, *network));
  return std::vector<Placement>{TENWATT_TRY(network->placement(inputs))};
}

Status run(const Invocation& invocation) {
  const std::vector<Placement> placements =
      TENWATT_TRY(placements_of(invocation, invocation.arguments[0]));
  if (invocation.options.on("json")) return print(as_json(placements));
  std::string text;
  for (const Placement& placement : placements) {
    text += fmt::format("{}: {} in {}, precision {}, {} resident\n", placement.graph,
                        counted(placement.nodes.size(), "node"),
                        counted(placement.partitions.size(), "partition"), placement.precision,
                        human_bytes(placement.resident_bytes));
    if (placement.state_bytes_per_row > 0) {
      text += fmt::format("  {} of state per token\n", human_bytes(placement.state_bytes_per_row));
    }
    add_kinds(text, placement);
    add_partitions(text, placement);
    if (invocation.options.on("nodes")) {
      add_nodes(text, placement);
    } else {
      add_counts(text, placement);
    }
  }
  return print(text);
}

}  // namespace

const Verb kExplainVerb = {
    .name = "explain",
    .help = "where each part of a model runs, by which kernel, and why",
    .positionals = {.name = "MODEL", .minimum = 1, .maximum = 1, .help = "any model or ONNX graph"},
    .options = kOptions,
    .group = OptionGroup::kRuntime,
    .run = run,
};

}  // namespace tenwatt::cli
