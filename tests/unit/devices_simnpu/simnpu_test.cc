// The simulated NPU: what it computes has the CPU's bits, and what it refuses it explains.
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "base/memory.h"
#include "devices/cpu/cpu_device.h"
#include "devices/simnpu/simnpu_device.h"
#include "graph/ir/bind.h"
#include "graph/ir/builder.h"
#include "memory_artifact.h"

namespace tenwatt::simnpu {
namespace {

using devices::No;
using devices::Yes;
using graph::Builder;
using graph::Dim;
using graph::Graph;
using graph::ValueId;
using material::MemoryArtifact;

Tensor random_tensor(std::mt19937& random, Shape shape) {
  Tensor tensor = Tensor::create(Format::kF32, std::move(shape)).value();
  std::uniform_real_distribution<float> uniform(-0.3f, 0.3f);
  for (float& value : tensor.mutable_values<float>()) value = uniform(random);
  return tensor;
}

/// The operators of a HiFi-GAN vocoder over `times` frames.
Graph vocoder_chain(const Dim& times) {
  std::mt19937 random(1);
  Graph graph;
  if (!times.is_constant()) graph.add_symbol("times", {1, 500});
  Builder build(graph);
  ValueId x = build.input("x", Format::kF32, {1, 16, times});
  const auto weight = [&](std::string name, Shape shape) {
    return build.constant(std::move(name), random_tensor(random, std::move(shape)));
  };
  x = build.conv1d("pre", x, weight("pre.w", {24, 16, 7}), weight("pre.b", {24}), {.padding = 3});
  x = build.node("LeakyRelu", "act", {x}, {{"alpha", 0.1f}});
  x = build.node("ConvTranspose", "up", {x, weight("up.w", {24, 12, 8}), weight("up.b", {12})},
                 {{"strides", std::vector<int64_t>{4}}, {"pads", std::vector<int64_t>{2, 2}}});
  const ValueId a = build.conv1d("a", x, weight("a.w", {12, 12, 3}), weight("a.b", {12}),
                                 {.padding = 3, .dilation = 3});
  const ValueId b = build.conv1d("b", build.node("Relu", "r", {x}), weight("b.w", {12, 12, 5}),
                                 weight("b.b", {12}), {.padding = 2});
  x = build.node("Div", "mean",
                 {build.add("sum", a, b), build.constant("two", Tensor::scalar(2.0f))});
  x = build.mul("gated", x, build.node("Sigmoid", "gate", {x}));
  x = build.conv1d("post", x, weight("post.w", {1, 12, 7}), graph::kNoValue, {.padding = 3});
  build.output(build.node("Tanh", "y", {x}));
  EXPECT_TRUE(build.finish().has_value());
  return graph;
}

/// Builds, loads and runs on one input; the bytes of the output.
Result<std::vector<std::byte>> run_on(devices::Device& device, const Graph& graph,
                                      const Tensor& input) {
  const devices::Partition partition{graph, devices::Precision::kExact, "test"};
  auto artifact = std::make_shared<MemoryArtifact>();
  Team team(2);
  TENWATT_TRY(device.build(partition, *artifact, team));
  auto executable = TENWATT_TRY(device.load(partition, artifact));
  graph::Bindings bindings(graph.symbols().size());
  TENWATT_TRY(graph::bind_shape(graph, graph.inputs[0], input.shape(), bindings));
  const ValueId out = graph.outputs[0];
  const Shape shape = TENWATT_TRY(graph::bound_shape(graph.value(out).type.shape, bindings));
  std::vector<std::byte> result(static_cast<size_t>(elements(shape)) * sizeof(float));
  auto in_memory = TENWATT_TRY(device.allocate(input.bytes().size()));
  auto out_memory = TENWATT_TRY(device.allocate(result.size()));
  TENWATT_TRY(in_memory->write(0, input.bytes()));
  devices::RunContext context;
  context.team = &team;
  const devices::Argument in{in_memory.get(), 0};
  const devices::Argument to{out_memory.get(), 0};
  TENWATT_TRY(executable->run(bindings, {&in, 1}, {&to, 1}, context));
  TENWATT_TRY(out_memory->read(0, result));
  return result;
}

const No* refused(const devices::Claim& claim) { return std::get_if<No>(&claim); }

TEST(Simnpu, AVocoderHasTheBitsOfTheCpuAtEveryLevel) {
  std::mt19937 random(2);
  for (cpu::Level level : cpu::usable_levels()) {
    auto cpu = cpu::make_cpu_device({level}).value();
    auto npu = make_simnpu_device({.level = level}).value();
    for (int64_t times : {1, 33, 128}) {
      const Graph graph = vocoder_chain(times);
      const Tensor input = random_tensor(random, {1, 16, times});
      const auto on_npu = run_on(*npu, graph, input);
      ASSERT_TRUE(on_npu.has_value()) << on_npu.error().message;
      EXPECT_EQ(*on_npu, run_on(*cpu, graph, input).value());
    }
  }
}

TEST(Simnpu, ClaimsTheWholeVocoderOnceItsShapeIsFixed) {
  auto npu = make_simnpu_device().value();
  const Graph graph = vocoder_chain(64);
  for (const auto& claim : npu->claim(graph, devices::Precision::kExact)) {
    EXPECT_EQ(refused(claim), nullptr);
  }
}

TEST(Simnpu, RefusesSymbolicShapesAndAsksForAWindow) {
  auto npu = make_simnpu_device().value();
  const Graph graph = vocoder_chain(Dim::symbol(0));
  for (const auto& claim : npu->claim(graph, devices::Precision::kExact)) {
    ASSERT_NE(refused(claim), nullptr);
    EXPECT_NE(refused(claim)->reason.find("times"), std::string::npos) << refused(claim)->reason;
    EXPECT_EQ(refused(claim)->remedy, "choose a window");
  }
  std::mt19937 random(3);
  const auto run = run_on(*npu, graph, random_tensor(random, {1, 16, 8}));
  ASSERT_FALSE(run.has_value());
  EXPECT_EQ(run.error().code, ErrorCode::kUnsupported);
}

TEST(Simnpu, EveryRefusalNamesReasonAndRemedy) {
  std::mt19937 random(4);
  Graph graph;
  Builder build(graph);
  const ValueId x = build.input("x", Format::kF32, {1, 4, 10});
  const ValueId w = build.input("w", Format::kF32, {2, 4, 3});
  const ValueId n = build.input("n", Format::kI64, {3});
  const ValueId image = build.input("image", Format::kF32, {1, 4, 8, 8});
  build.output(build.softmax("softmax", x));
  build.output(build.conv1d("computed", x, w, graph::kNoValue));
  build.output(build.add("integers", n, n));
  build.output(build.node("Conv", "planar",
                          {image, build.constant("k", random_tensor(random, {2, 4, 3, 3}))}));
  ASSERT_TRUE(build.finish().has_value());
  auto npu = make_simnpu_device().value();
  const auto claims = npu->claim(graph, devices::Precision::kExact);
  ASSERT_EQ(claims.size(), graph.nodes().size());
  for (const auto& claim : claims) {
    ASSERT_NE(refused(claim), nullptr);
    EXPECT_FALSE(refused(claim)->reason.empty());
    EXPECT_FALSE(refused(claim)->remedy.empty());
  }
}

TEST(Simnpu, MemoryIsItsOwnAlignedAndBounded) {
  auto npu = make_simnpu_device({.memory_bytes = 4096, .level = {}}).value();
  EXPECT_TRUE(npu->info().emulator);
  EXPECT_TRUE(npu->info().fixed_shapes);
  EXPECT_FALSE(npu->info().host_memory);
  auto buffer = npu->allocate(1000).value();
  EXPECT_EQ(buffer->host(), nullptr);
  std::vector<std::byte> bytes(100, std::byte{7});
  EXPECT_TRUE(buffer->write(64, bytes));
  EXPECT_FALSE(buffer->write(4, bytes));
  EXPECT_FALSE(buffer->write(960, bytes));
  std::vector<std::byte> back(100);
  EXPECT_TRUE(buffer->read(64, back));
  EXPECT_EQ(back, bytes);
  EXPECT_FALSE(buffer->read(1, back));
  EXPECT_FALSE(npu->import(back));
  const auto large = npu->allocate(4000);
  ASSERT_FALSE(large.has_value());
  EXPECT_EQ(large.error().code, ErrorCode::kOutOfMemory);
  buffer.reset();
  EXPECT_TRUE(npu->allocate(4000));
}

TEST(Simnpu, RefusesArgumentsInTheWrongMemory) {
  auto npu = make_simnpu_device().value();
  auto cpu = cpu::make_cpu_device().value();
  const Graph graph = vocoder_chain(8);
  const devices::Partition partition{graph, devices::Precision::kExact, "test"};
  auto artifact = std::make_shared<MemoryArtifact>();
  Team team(1);
  ASSERT_TRUE(npu->build(partition, *artifact, team));
  auto executable = npu->load(partition, artifact).value();
  auto host = cpu->allocate(1 << 16).value();
  auto own = npu->allocate(1 << 16).value();
  devices::RunContext context;
  context.team = &team;
  graph::Bindings bindings;
  const devices::Argument good{own.get(), 0};
  for (const devices::Argument& bad :
       {devices::Argument{host.get(), 0}, devices::Argument{own.get(), 4}}) {
    EXPECT_FALSE(executable->run(bindings, {&bad, 1}, {&good, 1}, context));
    EXPECT_FALSE(executable->run(bindings, {&good, 1}, {&bad, 1}, context));
  }
  EXPECT_TRUE(executable->run(bindings, {&good, 1}, {&good, 1}, context));
}

}  // namespace
}  // namespace tenwatt::simnpu
