// ONNX's own node cases on the CPU device, at every instruction level of this machine: recorded
// outputs within the tolerance that ONNX's runner uses, no step on a reference kernel, and the
// same bits from one member of the team and from three.
#include <algorithm>
#include <filesystem>
#include <iostream>

#include "device_support.h"
#include "onnx_node_cases.h"

namespace tenwatt::cpu::testing {
namespace {

namespace fs = std::filesystem;
using graph::Graph;
using graph::ValueId;
using material::NodeCase;

/// Whether some extent depends on what is computed.
bool decides_shapes(const Graph& graph) {
  return std::ranges::any_of(graph.symbols(), [](const graph::Symbol& symbol) {
    return symbol.source && symbol.source->kind == graph::Symbol::Source::Kind::kElement;
  });
}

/// Types inferred. Where shapes depend on the elements of inputs, those become constants.
Status infer_case(NodeCase& read) {
  Graph as_imported = read.graph;
  if (graph::infer_shapes(as_imported) && !decides_shapes(as_imported)) {
    read.graph = std::move(as_imported);
    return read.graph.normalise();
  }
  material::fix_integer_inputs(read);
  TENWATT_TRY(graph::infer_shapes(read.graph));
  return read.graph.normalise();
}

/// How many nodes run on whose kernels.
struct Counts {
  size_t own = 0;
  size_t movement = 0;
  size_t reference = 0;
};

/// What the device says of the graph's nodes.
Counts claimed(const Loaded& loaded) {
  Counts counts;
  for (const devices::Claim& claim :
       loaded.device->claim(loaded.graph, devices::Precision::kExact)) {
    const auto* yes = std::get_if<devices::Yes>(&claim);
    if (!yes) continue;
    if (yes->kind == devices::KernelKind::kOwn) ++counts.own;
    if (yes->kind == devices::KernelKind::kMovement) ++counts.movement;
    if (yes->kind == devices::KernelKind::kReference) ++counts.reference;
  }
  return counts;
}

/// The kernels of the steps that ran, each of which a claim must have named.
Status check_kernels(Loaded& loaded, const Tensors& inputs) {
  const Graph& graph = loaded.graph;
  graph::Bindings bindings(graph.symbols().size());
  for (ValueId id : graph.inputs) {
    TENWATT_TRY(graph::bind_shape(graph, id, inputs.at(graph.value(id).name).shape(), bindings));
  }
  if (std::ranges::any_of(graph.symbols(),
                          [](const graph::Symbol& symbol) { return symbol.source.has_value(); })) {
    return {};  // a step whose extents only a run can tell (NonZero)
  }
  const auto claims = loaded.device->claim(graph, devices::Precision::kExact);
  for (const std::string& kernel : TENWATT_TRY(loaded.cpu().kernels(bindings))) {
    if (kernel.starts_with("reference")) return fail(ErrorCode::kInternal, "runs on " + kernel);
    const bool named = std::ranges::any_of(claims, [&](const devices::Claim& claim) {
      const auto* yes = std::get_if<devices::Yes>(&claim);
      return yes && yes->kernel == kernel;
    });
    if (!named) return fail(ErrorCode::kInternal, "no claim names " + kernel);
  }
  return {};
}

Status run_case(const fs::path& folder, Level level, Counts& counts) {
  NodeCase read = TENWATT_TRY(material::read_node_case(folder));
  TENWATT_TRY(infer_case(read));
  Loaded loaded = load_on_cpu(read.graph, level);
  if (!loaded.executable) return fail(ErrorCode::kInternal, "not loaded");
  Team one(1);
  Team three(3);
  const Tensors results = TENWATT_TRY(run_once(loaded, read.inputs, one));
  for (size_t i = 0; i < read.outputs.size(); ++i) {
    const std::string& name = read.graph.value(read.graph.outputs[i]).name;
    const std::string wrong = material::difference(results.at(name), read.outputs[i]);
    if (!wrong.empty()) return fail(ErrorCode::kInternal, name + " is " + wrong);
  }
  const Tensors again = TENWATT_TRY(run_once(loaded, read.inputs, three));
  if (!same_bits(results, again)) return fail(ErrorCode::kInternal, "bits depend on the team");
  const Counts own = claimed(loaded);
  counts.own += own.own;
  counts.movement += own.movement;
  counts.reference += own.reference;
  return check_kernels(loaded, read.inputs);
}

TEST(CpuNodeCases, EveryCoreAndCommonCaseOnOwnKernels) {
  const fs::path folder = material::node_case_folder();
  const std::vector<std::string> names = material::listed_node_cases();
  if (!fs::exists(folder)) {
    GTEST_SKIP() << "TENWATT_TEST_ONNX_NODE names no folder with ONNX's node cases";
  }
  if (names.empty()) GTEST_SKIP() << "no list of cases at " << material::shared("");
  EXPECT_GE(names.size(), 396U);
  for (Level level : usable_levels()) {
    size_t passed = 0;
    Counts counts;
    for (const std::string& name : names) {
      const Status status = run_case(folder / name, level, counts);
      EXPECT_TRUE(status) << level_name(level) << " " << name << ": " << status.error().message;
      if (status) ++passed;
    }
    EXPECT_EQ(counts.reference, 0U);
    std::cout << level_name(level) << ": " << passed << " of " << names.size()
              << " node cases passed; nodes on own kernels " << counts.own
              << ", on shared data-movement kernels " << counts.movement
              << ", on reference kernels " << counts.reference << "\n";
  }
}

}  // namespace
}  // namespace tenwatt::cpu::testing
