// Models of older opsets compute what onnxruntime computes from them
// (tests/reference/record_older_opsets.py).
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "exchange/onnx_import.h"
#include "files/npy.h"
#include "graph/reference/reference.h"
#include "onnx_build.h"

namespace tenwatt::exchange {
namespace {

using graph::Graph;
using graph::Node;

const std::filesystem::path kFolder =
    std::filesystem::path(TENWATT_SOURCE_DIR) / "tests/reference/data/older_opsets";

std::vector<std::string> recorded_cases() {
  std::vector<std::string> cases;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    if (entry.path().extension() == ".onnx") cases.push_back(entry.path().stem());
  }
  std::ranges::sort(cases);
  return cases;
}

class RecordedModel : public testing::TestWithParam<std::string> {};

TEST_P(RecordedModel, ComputesTheSame) {
  const std::string base = (kFolder / GetParam()).string();
  const Result<Graph> graph = import_onnx(base + ".onnx");
  ASSERT_TRUE(graph) << graph.error().message;
  const auto results = graph::evaluate(*graph, {{"x", files::read_npy(base + ".x.npy").value()}});
  ASSERT_TRUE(results) << results.error().message;
  for (const graph::ValueId output : graph->outputs) {
    const std::string& name = graph->value(output).name;
    const Tensor expected = files::read_npy(base + "." + name + ".npy").value();
    const Tensor& computed = results->at(name);
    ASSERT_EQ(computed.shape(), expected.shape());
    for (int64_t i = 0; i < expected.count(); ++i) {
      const auto at = static_cast<size_t>(i);
      EXPECT_NEAR(computed.values<float>()[at], expected.values<float>()[at], 1e-6) << name;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(OlderOpsets, RecordedModel, testing::ValuesIn(recorded_cases()),
                         [](const auto& test) { return test.param; });

// Operators without a reference kernel are checked by their form.
Graph imported(int64_t opset, const std::string& op, std::initializer_list<const char*> inputs,
               auto attributes) {
  ModelBuilder model(opset);
  for (const char* name : inputs) model.input(name, {4});
  attributes(model.node(op, inputs, {"y"}));
  model.output("y");
  return model.import().value();
}

TEST(OlderOpsets, TopKHasItsCountAsInput) {
  const Graph graph = imported(9, "TopK", {"x"}, [](onnx::NodeProto& node) {
    ModelBuilder::attribute(node, "k", onnx::AttributeProto::INT).set_i(3);
  });
  const Node& node = graph.nodes().front();
  EXPECT_EQ(graph.value(node.inputs.at(1)).constant->values<int64_t>()[0], 3);
  EXPECT_EQ(node.attribute("k"), nullptr);
}

TEST(OlderOpsets, DropoutHasItsRatioAsInput) {
  const Graph graph = imported(10, "Dropout", {"x"}, [](onnx::NodeProto& node) {
    ModelBuilder::attribute(node, "ratio", onnx::AttributeProto::FLOAT).set_f(0.25f);
  });
  EXPECT_EQ(graph.value(graph.nodes().front().inputs.at(1)).constant->values<float>()[0], 0.25f);
}

TEST(OlderOpsets, ResizeOf10SaysHowItSamples) {
  const Graph graph = imported(10, "Resize", {"x", "scales"}, [](onnx::NodeProto&) {});
  const Node& node = graph.nodes().front();
  ASSERT_EQ(node.inputs.size(), 3u);
  EXPECT_EQ(node.inputs[1], graph::kNoValue);
  EXPECT_EQ(node.text("coordinate_transformation_mode", ""), "asymmetric");
  EXPECT_EQ(node.text("nearest_mode", ""), "floor");
}

TEST(OlderOpsets, ScatterIsScatterElements) {
  const Graph graph = imported(10, "Scatter", {"x", "i", "u"}, [](onnx::NodeProto&) {});
  EXPECT_EQ(graph.nodes().front().op, "ScatterElements");
}

TEST(OlderOpsets, TodaysFormsStayAsTheyAre) {
  const Graph graph = imported(13, "Softmax", {"x"}, [](onnx::NodeProto& node) {
    ModelBuilder::attribute(node, "axis", onnx::AttributeProto::INT).set_i(0);
  });
  EXPECT_EQ(graph.nodes().size(), 1u);
  EXPECT_EQ(graph.nodes().front().integer("axis", 9), 0);
}

}  // namespace
}  // namespace tenwatt::exchange
