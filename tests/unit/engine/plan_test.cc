// Plans: segments end where a value becomes a dimension, partitions are convex, refusals are kept.
#include <gtest/gtest.h>

#include "devices/simnpu/simnpu_device.h"
#include "engine/report/explain.h"
#include "tiny_models.h"

namespace tenwatt::engine {
namespace {

using testing::cpu_options;
using testing::prepare;
using testing::random_tensor;

/// y = 2 * range(0, sum(x)): the length of y is a value of the run.
graph::Graph data_dependent_graph() {
  graph::Graph graph;
  graph.name = "counting";
  graph::Builder b(graph);
  const auto n = graph.add_symbol("n", {1, 100});
  const auto x = b.input("x", Format::kI64, {graph::Dim::symbol(n)});
  const auto axes = b.constant("axes", Tensor::of<int64_t>({0}, {1}));
  const auto count = b.node("ReduceSum", "count", {x, axes}, {{"keepdims", int64_t{0}}});
  const auto zero = b.constant("zero", Tensor::scalar<int64_t>(0));
  const auto one = b.constant("one", Tensor::scalar<int64_t>(1));
  const auto range = b.node("Range", "range", {zero, count, one});
  b.output(b.add("twice", range, range));
  EXPECT_TRUE(b.finish());
  return graph;
}

TEST(Plan, ASegmentEndsWhereAValueBecomesADimension) {
  const auto program = prepare(data_dependent_graph(), cpu_options());
  EXPECT_EQ(program->plan().segments, 2);
  for (int64_t third : {0, 1, 40}) {
    Batch batch;
    batch.inputs.emplace("x", Tensor::of<int64_t>({2, 3, third}, {3}));
    const auto outputs = program->run(batch);
    ASSERT_TRUE(outputs) << outputs.error().message;
    const auto values = (*outputs)[0].values<int64_t>();
    ASSERT_EQ(values.size(), static_cast<size_t>(5 + third));
    for (size_t i = 0; i < values.size(); ++i) EXPECT_EQ(values[i], static_cast<int64_t>(2 * i));
  }
}

TEST(Plan, ANumberOutsideItsBoundsIsAnErrorAndNotACrash) {
  const auto program = prepare(data_dependent_graph(), cpu_options());
  Batch batch;
  batch.inputs.emplace("x", Tensor::of<int64_t>({int64_t{1} << 40}, {1}));
  const auto outputs = program->run(batch);
  ASSERT_FALSE(outputs);
  EXPECT_EQ(outputs.error().code, ErrorCode::kOutOfRange);
}

/// Two branches, one of which has an operator that the NPU refuses in its middle.
graph::Graph branching_graph() {
  graph::Graph graph;
  graph.name = "branching";
  graph::Builder b(graph);
  const auto x = b.input("x", Format::kF32, {1, 4, 32});
  const auto conv = [&](const std::string& name, graph::ValueId in) {
    return b.conv1d(name, in, b.constant(name + ".weight", random_tensor({4, 4, 3}, 5, 0.3f)),
                    b.constant(name + ".bias", random_tensor({4}, 6)), {.padding = 1});
  };
  const auto first = conv("first", x);
  const auto softmax = b.softmax("softmax", first);
  const auto left = conv("left", softmax);
  const auto right = conv("right", first);
  b.output(b.add("sum", left, right));
  EXPECT_TRUE(b.finish());
  return graph;
}

TEST(Plan, PartitionsAreConvexAndRefusalsKeepTheirReasons) {
  ProgramOptions options = cpu_options();
  options.plan.devices.insert(options.plan.devices.begin(), simnpu::make_simnpu_device().value());
  const auto program = prepare(branching_graph(), options);
  const PlanReport report = explain(*program);
  // first | softmax | left, sum and (with first or with them) right
  EXPECT_EQ(report.partitions.size(), 3u);
  for (const NodeReport& node : report.nodes) {
    if (node.op != "Softmax") continue;
    EXPECT_EQ(node.device, "cpu");
    ASSERT_EQ(node.refusals.size(), 1u);
    EXPECT_EQ(node.refusals[0].find("simnpu: "), 0u);
    EXPECT_NE(node.refusals[0].find("("), std::string::npos) << "a remedy";
  }
  const auto cpu = prepare(branching_graph(), cpu_options());
  Batch batch;
  batch.inputs.emplace("x", random_tensor({1, 4, 32}, 7));
  const auto mixed = program->run(batch);
  const auto alone = cpu->run(batch);
  ASSERT_TRUE(mixed && alone);
  EXPECT_TRUE(std::ranges::equal((*mixed)[0].bytes(), (*alone)[0].bytes()));
}

TEST(Plan, StrictRefusesNamingNodeAndRemedy) {
  ProgramOptions options = cpu_options();
  options.plan.devices.insert(options.plan.devices.begin(), simnpu::make_simnpu_device().value());
  options.plan.fallback = Fallback::kRefuse;
  const auto program = Program::prepare(branching_graph(), options);
  ASSERT_FALSE(program);
  EXPECT_NE(program.error().message.find("softmax"), std::string::npos);
  EXPECT_FALSE(program.error().remedy.empty());
}

TEST(Tap, ShowsInnerValuesByName) {
  const auto program = prepare(branching_graph(), cpu_options());
  Batch batch;
  batch.inputs.emplace("x", random_tensor({1, 4, 32}, 7));
  std::map<std::string, Shape> seen;
  RunOptions options;
  options.taps = {"softmax", "right"};
  options.tap = [&](const std::string& name, const Tensor& content) {
    seen[name] = content.shape();
  };
  ASSERT_TRUE(program->run(batch, options));
  EXPECT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen["softmax"], (Shape{1, 4, 32}));
}

}  // namespace
}  // namespace tenwatt::engine
