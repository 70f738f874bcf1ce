// Graphs whose plan depends on what a run is given: conditions, axes, ranks and extents.
#include "tenwatt/network.h"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "unit/exchange/onnx_build.h"

namespace tenwatt {
namespace {

using exchange::ModelBuilder;
using onnx::AttributeProto;
using onnx::TensorProto;

Array floats(std::vector<int64_t> shape, std::vector<float> values) {
  Array array{.type = "f32", .shape = std::move(shape), .bytes = {}};
  array.bytes.resize(values.size() * sizeof(float));
  std::memcpy(array.bytes.data(), values.data(), array.bytes.size());
  return array;
}

std::vector<float> values_of(const Array& array) {
  std::vector<float> values(array.bytes.size() / sizeof(float));
  std::memcpy(values.data(), array.bytes.data(), array.bytes.size());
  return values;
}

Result<std::shared_ptr<Network>> open(const ModelBuilder& model) {
  const std::string path = testing::TempDir() + "/network_test.onnx";
  std::ofstream(path, std::ios::binary) << model.proto.SerializeAsString();
  RuntimeOptions options;
  options.keep_artifacts = false;
  return Network::open(TENWATT_TRY(Runtime::create(options)), path);
}

/// y = cond ? x : reduced x, so that the branches differ in rank; x is captured.
ModelBuilder branches_of_two_ranks() {
  ModelBuilder model;
  model.input("x", {2, 3});
  model.input("cond", {}, TensorProto::BOOL);
  auto& node = model.node("If", {"cond"}, {"y"});
  auto& yes = *ModelBuilder::attribute(node, "then_branch", AttributeProto::GRAPH).mutable_g();
  ModelBuilder::node_in(yes, "Relu", {"x"}, {"kept"});
  yes.add_output()->set_name("kept");
  auto& no = *ModelBuilder::attribute(node, "else_branch", AttributeProto::GRAPH).mutable_g();
  auto& sum = ModelBuilder::node_in(no, "ReduceSum", {"x"}, {"sum"});
  ModelBuilder::attribute(sum, "keepdims", AttributeProto::INT).set_i(0);
  no.add_output()->set_name("sum");
  model.output("y");
  return model;
}

TEST(Network, ARunDecidesWhichBranchIsPlanned) {
  const auto network = open(branches_of_two_ranks()).value();
  const Array x = floats({2, 3}, {1, -2, 3, 4, 5, 6});
  for (const bool yes : {true, false, true}) {
    const Array cond = network->literal("cond", yes ? "true" : "false").value();
    const auto results = network->run({{"x", x}, {"cond", cond}});
    ASSERT_TRUE(results) << results.error().message;
    const Array& y = results->at("y");
    EXPECT_EQ(y.shape, (yes ? std::vector<int64_t>{2, 3} : std::vector<int64_t>{}));
    EXPECT_EQ(values_of(y), (yes ? std::vector<float>{1, 0, 3, 4, 5, 6} : std::vector<float>{17}));
  }
}

TEST(Network, WhatOnlyARunDecidesIsNotExplained) {
  const auto placement = open(branches_of_two_ranks()).value()->placement();
  ASSERT_FALSE(placement);
  EXPECT_NE(placement.error().message.find("cond"), std::string::npos) << placement.error().message;
}

TEST(Network, InputsSayWhichBranchIsExplained) {
  const auto network = open(branches_of_two_ranks()).value();
  const Array x = floats({2, 3}, {1, -2, 3, 4, 5, 6});
  for (const bool yes : {true, false}) {
    const Array cond = network->literal("cond", yes ? "true" : "false").value();
    const auto placement = network->placement({{"x", x}, {"cond", cond}});
    ASSERT_TRUE(placement) << placement.error().message;
    ASSERT_EQ(placement->nodes.size(), 1u);
    EXPECT_EQ(placement->nodes[0].op, yes ? "Relu" : "ReduceSum");
  }
  EXPECT_FALSE(network->placement({{"x", x}}));
}

TEST(Network, AComputedConditionIsComputedFirst) {
  ModelBuilder model = branches_of_two_ranks();
  model.graph().mutable_input()->RemoveLast();
  model.initializer("limit", {0});
  auto& most = model.node("ReduceMax", {"x"}, {"most"});
  ModelBuilder::attribute(most, "keepdims", AttributeProto::INT).set_i(0);
  model.node("Greater", {"most", "limit"}, {"cond"});
  const auto network = open(model).value();
  const auto high = network->run({{"x", floats({2, 3}, {1, 2, 3, 4, 5, 6})}}).value();
  const auto low = network->run({{"x", floats({2, 3}, {-1, -2, -3, -4, -5, -6})}}).value();
  EXPECT_EQ(high.at("y").shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(values_of(low.at("y")), (std::vector<float>{-21}));
}

TEST(Network, AxesMayBeAnInput) {
  ModelBuilder model(18);
  model.input("x", {2, 3});
  model.input("axes", {1}, TensorProto::INT64);
  auto& node = model.node("ReduceSum", {"x", "axes"}, {"y"});
  ModelBuilder::attribute(node, "keepdims", AttributeProto::INT).set_i(0);
  model.output("y");
  const auto network = open(model).value();
  const Array x = floats({2, 3}, {1, 2, 3, 4, 5, 6});
  for (const auto& [axis, sums] : {std::pair<std::string, std::vector<float>>{"0", {5, 7, 9}},
                                   std::pair<std::string, std::vector<float>>{"-1", {6, 15}}}) {
    const Array axes = network->literal("axes", axis).value();
    EXPECT_EQ(values_of(network->run({{"x", x}, {"axes", axes}}).value().at("y")), sums);
  }
}

TEST(Network, WrongInputsAreNamedWithWhatTheGraphWants) {
  const auto network = open(branches_of_two_ranks()).value();
  const Array cond = network->literal("cond", "1").value();
  const auto refusal = [&](const std::map<std::string, Array>& inputs) {
    const auto results = network->run(inputs);
    return results ? std::string() : results.error().message + "; " + results.error().remedy;
  };
  EXPECT_EQ(refusal({{"cond", cond}}), "the input x [2, 3] f32 is missing; add --input x=FILE.npy");
  EXPECT_EQ(refusal({{"cond", cond}, {"x", floats({2}, {1, 2})}}),
            "the input x [2, 3] f32 got [2] f32; give it [2, 3] f32");
  EXPECT_NE(refusal({{"cond", cond}, {"x", floats({2, 3}, {1, 2, 3, 4, 5, 6})}, {"z", cond}})
                .find("no input 'z'"),
            std::string::npos);
}

TEST(Network, NumbersAsTextHaveTheTypeOfTheirInput) {
  const auto network = open(branches_of_two_ranks()).value();
  EXPECT_EQ(network->literal("cond", "0").value().bytes, std::vector<std::byte>{std::byte{0}});
  EXPECT_FALSE(network->literal("cond", "maybe"));
  EXPECT_FALSE(network->literal("x", "1,2,3")) << "text has one axis at most";
  EXPECT_FALSE(network->literal("nothing", "1"));
}

}  // namespace
}  // namespace tenwatt
