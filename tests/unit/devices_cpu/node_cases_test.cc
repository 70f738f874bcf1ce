// ONNX's own node cases on the CPU device, at every instruction level of this machine: recorded
// outputs within the tolerance that ONNX's runner uses, no step on a reference kernel, and the
// same bits from one member of the team and from three.
//
// The cases are the folder `onnx/backend/test/data/node` of the onnx 1.22.0 wheel; the environment
// variable TENWATT_TEST_ONNX_NODE names it. ../shared/data/onnx/node_cases.tsv (or TENWATT_SHARED)
// lists those that use operators of the house only.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "device_support.h"
#include "exchange/onnx_import.h"
#include "files/onnx.h"
#include "material.h"

namespace tenwatt::cpu::testing {
namespace {

namespace fs = std::filesystem;
using graph::Graph;
using graph::ValueId;

/// Names of the cases with tag `core` or `common`.
std::vector<std::string> listed_cases() {
  std::ifstream file(material::shared("data/onnx/node_cases.tsv"));
  std::vector<std::string> names;
  for (std::string line; std::getline(file, line);) {
    std::istringstream fields(line);
    std::string name, opset, kinds, dtypes, tag;
    for (std::string* field : {&name, &opset, &kinds, &dtypes, &tag}) {
      std::getline(fields, *field, '\t');
    }
    if (tag == "core" || tag == "common") names.push_back(name);
  }
  return names;
}

/// Tensors PREFIX_0.pb, PREFIX_1.pb, ... of a data set.
Result<std::vector<Tensor>> tensors_of(const fs::path& folder, const std::string& prefix) {
  std::vector<Tensor> tensors;
  while (true) {
    const fs::path path = folder / (prefix + "_" + std::to_string(tensors.size()) + ".pb");
    if (!fs::exists(path)) return tensors;
    tensors.push_back(TENWATT_TRY(files::read_onnx_tensor(path.string())));
  }
}

double element(const Tensor& tensor, size_t index) {
  switch (tensor.format()) {
    case Format::kF16:
      return f16_to_f32(tensor.values<uint16_t>()[index]);
    case Format::kF64:
      return tensor.values<double>()[index];
    default:
      return tensor.values<float>()[index];
  }
}

bool close(double actual, double expected) {
  if (std::isnan(expected)) return std::isnan(actual);
  if (std::isinf(expected)) return actual == expected;
  return std::abs(actual - expected) <= 1e-7 + 1e-3 * std::abs(expected);
}

/// What is wrong with `actual`; empty if nothing.
std::string difference(const Tensor& actual, const Tensor& expected) {
  if (actual.format() != expected.format() || actual.shape() != expected.shape()) {
    return std::string(info(actual.format()).name) + " " + to_string(actual.shape()) + ", not " +
           std::string(info(expected.format()).name) + " " + to_string(expected.shape());
  }
  if (info(expected.format()).kind != FormatKind::kFloat) {
    return std::ranges::equal(actual.bytes(), expected.bytes()) ? "" : "other elements";
  }
  for (size_t i = 0; i < static_cast<size_t>(expected.count()); ++i) {
    if (close(element(actual, i), element(expected, i))) continue;
    return std::to_string(element(actual, i)) + " at " + std::to_string(i) + ", not " +
           std::to_string(element(expected, i));
  }
  return "";
}

/// One data set of a case, by value name.
struct Case {
  Graph graph;
  Tensors inputs;
  Tensors outputs;
};

Result<Case> read_case(const fs::path& folder) {
  Case read;
  read.graph = TENWATT_TRY(exchange::import_onnx((folder / "model.onnx").string()));
  const fs::path data = folder / "test_data_set_0";
  const auto inputs = TENWATT_TRY(tensors_of(data, "input"));
  const auto outputs = TENWATT_TRY(tensors_of(data, "output"));
  if (inputs.size() != read.graph.inputs.size() || outputs.size() != read.graph.outputs.size()) {
    return fail(ErrorCode::kInternal, "the graph has other inputs or outputs than the case");
  }
  for (size_t i = 0; i < inputs.size(); ++i) {
    read.inputs[read.graph.value(read.graph.inputs[i]).name] = inputs[i];
  }
  for (size_t i = 0; i < outputs.size(); ++i) {
    read.outputs[read.graph.value(read.graph.outputs[i]).name] = outputs[i];
  }
  return read;
}

/// Whether some extent depends on what is computed.
bool decides_shapes(const Graph& graph) {
  return std::ranges::any_of(graph.symbols(), [](const graph::Symbol& symbol) {
    return symbol.source && symbol.source->kind == graph::Symbol::Source::Kind::kElement;
  });
}

/// Types inferred. Where shapes depend on the elements of inputs, those become constants.
Status infer_case(Case& read) {
  Graph as_imported = read.graph;
  if (graph::infer_shapes(as_imported) && !decides_shapes(as_imported)) {
    read.graph = std::move(as_imported);
    return read.graph.normalise();
  }
  std::erase_if(read.graph.inputs, [&](ValueId id) {
    graph::Value& value = read.graph.value(id);
    const auto input = read.inputs.find(value.name);
    const Format format = input->second.format();
    if (format != Format::kI64 && format != Format::kI32) return false;
    value.constant = input->second;
    read.inputs.erase(input);
    return true;
  });
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
  Case read = TENWATT_TRY(read_case(folder));
  TENWATT_TRY(infer_case(read));
  Loaded loaded = load_on_cpu(read.graph, level);
  if (!loaded.executable) return fail(ErrorCode::kInternal, "not loaded");
  Team one(1);
  Team three(3);
  const Tensors results = TENWATT_TRY(run_once(loaded, read.inputs, one));
  for (const auto& [name, expected] : read.outputs) {
    const std::string wrong = difference(results.at(name), expected);
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
  const char* folder = std::getenv("TENWATT_TEST_ONNX_NODE");
  const std::vector<std::string> names = listed_cases();
  if (folder == nullptr || !fs::exists(folder)) {
    GTEST_SKIP() << "TENWATT_TEST_ONNX_NODE names no folder with ONNX's node cases";
  }
  if (names.empty()) GTEST_SKIP() << "no list of cases at " << material::shared("");
  EXPECT_GE(names.size(), 396U);
  for (Level level : usable_levels()) {
    size_t passed = 0;
    Counts counts;
    for (const std::string& name : names) {
      const Status status = run_case(fs::path(folder) / name, level, counts);
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
