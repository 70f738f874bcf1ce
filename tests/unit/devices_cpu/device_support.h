// Runs small graphs on a device the way the engine does, and compares with the reference
// interpreter: an artifact in memory, plain host buffers, symbols bound from the inputs' shapes.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "base/memory.h"
#include "devices/cpu/cpu_device.h"
#include "devices/cpu/executable.h"
#include "devices/cpu/lower/lower.h"
#include "devices/interface/device.h"
#include "graph/ir/bind.h"
#include "graph/ir/builder.h"
#include "graph/ops/infer.h"
#include "graph/reference/reference.h"
#include "memory_artifact.h"

namespace tenwatt::cpu::testing {

using Tensors = std::map<std::string, Tensor>;

using material::MemoryArtifact;

/// A partition that is built and loaded, with the team it runs on.
struct Loaded {
  graph::Graph graph;
  std::shared_ptr<devices::Device> device;
  std::shared_ptr<MemoryArtifact> artifact;
  std::unique_ptr<devices::Executable> executable;

  CpuExecutable& cpu() { return static_cast<CpuExecutable&>(*executable); }
};

inline Loaded load_on(std::shared_ptr<devices::Device> device, const graph::Graph& graph,
                      devices::Precision precision = devices::Precision::kExact) {
  Loaded loaded;
  loaded.graph = graph;
  loaded.device = std::move(device);
  loaded.artifact = std::make_shared<MemoryArtifact>();
  const devices::Partition partition{graph, precision, "test"};
  Team team(2);
  const Status built = loaded.device->build(partition, *loaded.artifact, team);
  EXPECT_TRUE(built.has_value()) << (built ? "" : built.error().message);
  auto executable = loaded.device->load(partition, loaded.artifact);
  EXPECT_TRUE(executable.has_value()) << (executable ? "" : executable.error().message);
  if (executable) loaded.executable = std::move(*executable);
  return loaded;
}

inline Loaded load_on_cpu(const graph::Graph& graph, Level level = best_level()) {
  return load_on(make_cpu_device({level}).value(), graph);
}

/// One run; outputs by name. Room for outputs whose extents the run decides is made from bounds.
inline Result<Tensors> run_once(Loaded& loaded, const Tensors& inputs, Team& team,
                                devices::RunContext context = {}) {
  const graph::Graph& graph = loaded.graph;
  graph::Bindings bindings(graph.symbols().size());
  std::vector<std::unique_ptr<devices::Buffer>> buffers;
  std::vector<devices::Argument> in;
  std::vector<devices::Argument> out;
  for (graph::ValueId id : graph.inputs) {
    const Tensor& tensor = inputs.at(graph.value(id).name);
    TENWATT_TRY(graph::bind_shape(graph, id, tensor.shape(), bindings));
    buffers.push_back(
        TENWATT_TRY(loaded.device->allocate(std::max<size_t>(tensor.bytes().size(), 64))));
    TENWATT_TRY(buffers.back()->write(0, tensor.bytes()));
    in.push_back({buffers.back().get(), 0});
  }
  for (graph::ValueId id : graph.outputs) {
    const Shape shape =
        TENWATT_TRY(graph::largest_shape(graph, graph.value(id).type.shape, bindings));
    const size_t bytes = TENWATT_TRY(storage_bytes(graph.value(id).type.format, elements(shape)));
    buffers.push_back(TENWATT_TRY(loaded.device->allocate(std::max<size_t>(bytes, 64))));
    out.push_back({buffers.back().get(), 0});
  }
  context.team = &team;
  TENWATT_TRY(loaded.executable->run(bindings, in, out, context));
  Tensors results;
  for (size_t i = 0; i < graph.outputs.size(); ++i) {
    const graph::Value& value = graph.value(graph.outputs[i]);
    Tensor tensor = TENWATT_TRY(Tensor::create(
        value.type.format, TENWATT_TRY(graph::bound_shape(value.type.shape, bindings))));
    TENWATT_TRY(out[i].buffer->read(0, tensor.mutable_bytes()));
    results[value.name] = tensor;
  }
  return results;
}

inline Tensor random_tensor(std::mt19937& random, Shape shape, float low = -2, float high = 2) {
  Tensor tensor = Tensor::create(Format::kF32, std::move(shape)).value();
  std::uniform_real_distribution<float> uniform(low, high);
  for (float& value : tensor.mutable_values<float>()) value = uniform(random);
  return tensor;
}

/// The same values in another format.
inline Tensor encoded(const Tensor& f32, Format format) {
  Tensor tensor = Tensor::create(format, f32.shape()).value();
  info(format).encode(f32.values<float>(), tensor.mutable_bytes());
  return tensor;
}

inline bool same_bits(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && std::ranges::equal(a.bytes(), b.bytes());
}

inline bool same_bits(const Tensors& a, const Tensors& b) {
  if (a.size() != b.size()) return false;
  for (const auto& [name, tensor] : a) {
    if (!b.contains(name) || !same_bits(tensor, b.at(name))) return false;
  }
  return true;
}

/// Largest |a - b| relative to 1 + |b|; infinite where formats, shapes or NaNs differ.
inline double relative_error(const Tensor& a, const Tensor& b) {
  const double kDiffers = std::numeric_limits<double>::infinity();
  if (a.shape() != b.shape() || a.format() != b.format()) return kDiffers;
  if (a.format() != Format::kF32) return std::ranges::equal(a.bytes(), b.bytes()) ? 0 : kDiffers;
  double worst = 0;
  for (size_t i = 0; i < a.values<float>().size(); ++i) {
    const double x = a.values<float>()[i];
    const double y = b.values<float>()[i];
    if (std::isnan(x) != std::isnan(y)) return kDiffers;
    if (std::isnan(x) || x == y) continue;
    worst = std::max(worst, std::abs(x - y) / (1 + std::abs(y)));
  }
  return worst;
}

/// Root mean square of a - b over that of b.
inline double rms_error(const Tensor& a, const Tensor& b) {
  if (a.shape() != b.shape()) return std::numeric_limits<double>::infinity();
  double error = 0;
  double size = 1e-30;
  for (size_t i = 0; i < a.values<float>().size(); ++i) {
    const double y = b.values<float>()[i];
    const double difference = a.values<float>()[i] - y;
    error += difference * difference;
    size += y * y;
  }
  return std::sqrt(error / size);
}

using Measure = double (*)(const Tensor&, const Tensor&);

/// Runs on every level with teams of 1 and 3 members and compares with the reference.
inline void expect_equals_reference(const graph::Graph& graph, const Tensors& inputs, double bound,
                                    Measure measure = relative_error) {
  const auto expected = graph::evaluate(graph, inputs);
  ASSERT_TRUE(expected.has_value()) << expected.error().message;
  for (Level level : usable_levels()) {
    Loaded loaded = load_on_cpu(graph, level);
    ASSERT_NE(loaded.executable, nullptr);
    Tensors first;
    for (int members : {1, 3}) {
      Team team(members);
      const auto results = run_once(loaded, inputs, team);
      ASSERT_TRUE(results.has_value()) << level_name(level) << ": " << results.error().message;
      for (const auto& [name, tensor] : *results) {
        EXPECT_LE(measure(tensor, expected->at(name)), bound)
            << level_name(level) << " " << name << " " << to_string(tensor.shape());
      }
      if (members == 1) first = *results;
      EXPECT_TRUE(same_bits(first, *results)) << "bits depend on the number of members";
    }
  }
}

/// A graph with one node over `inputs` (f32 inputs x0, x1, ...) and trailing constants.
struct OneNode {
  std::string op;
  std::vector<Tensor> inputs;
  std::vector<Tensor> constants;
  graph::Builder::Attributes attributes = {};
  size_t outputs = 1;
};

inline void expect_node(const OneNode& one, double bound, Measure measure = relative_error) {
  graph::Graph graph;
  graph::Builder build(graph);
  std::vector<graph::ValueId> ids;
  Tensors inputs;
  for (size_t i = 0; i < one.inputs.size(); ++i) {
    const std::string name = "x" + std::to_string(i);
    graph::Dims dims(one.inputs[i].shape().begin(), one.inputs[i].shape().end());
    ids.push_back(build.input(name, one.inputs[i].format(), dims));
    inputs[name] = one.inputs[i];
  }
  for (size_t i = 0; i < one.constants.size(); ++i) {
    ids.push_back(build.constant("c" + std::to_string(i), one.constants[i]));
  }
  for (graph::ValueId id : build.node(one.op, "y", ids, one.attributes, one.outputs)) {
    build.output(id);
  }
  const Status finished = build.finish();
  ASSERT_TRUE(finished.has_value()) << finished.error().message;
  SCOPED_TRACE(one.op);
  expect_equals_reference(graph, inputs, bound, measure);
}

}  // namespace tenwatt::cpu::testing
