// The importer's contract on small models: names, symbols, constants, captures and refusals.
#include "exchange/onnx_import.h"

#include <gtest/gtest.h>

#include "onnx_build.h"

namespace tenwatt::exchange {
namespace {

using graph::Dim;
using graph::Graph;
using graph::kNoValue;
using graph::Node;
using onnx::AttributeProto;
using onnx::TensorProto;

const Node& only_node(const Graph& graph) {
  EXPECT_EQ(graph.nodes().size(), 1u);
  return graph.nodes().front();
}

TEST(OnnxImport, KeepsNamesAndFormats) {
  ModelBuilder model;
  model.graph().set_name("g");
  model.input("x", {2, 3}, TensorProto::FLOAT16);
  model.node("Relu", {"x"}, {"y"}).set_name("the relu");
  model.output("y");
  const Graph graph = model.import().value();
  EXPECT_EQ(graph.name, "g");
  EXPECT_EQ(only_node(graph).name, "the relu");
  EXPECT_EQ(graph.value(graph.inputs[0]).name, "x");
  EXPECT_EQ(graph.value(graph.inputs[0]).type.format, Format::kF16);
  EXPECT_EQ(graph.value(graph.outputs[0]).name, "y");
}

TEST(OnnxImport, DynamicExtentsBecomeBoundedSymbols) {
  ModelBuilder model;
  model.input("a", {"batch", "", 3});
  model.input("b", {"batch", "time"});
  model.node("Identity", {"a"}, {"y"});
  model.output("y");
  const Graph graph = model.import().value();
  EXPECT_EQ(graph.symbol_names(), (std::vector<std::string>{"batch", "a_1", "time"}));
  EXPECT_EQ(graph.symbol(0).bounds, (graph::Range{1, 1 << 20}));
  const auto& a = graph.value(graph.inputs[0]).type.shape;
  const auto& b = graph.value(graph.inputs[1]).type.shape;
  EXPECT_EQ(a[0], b[0]) << "the same dim_param is the same symbol";
  EXPECT_EQ(a[2], Dim(3));
}

TEST(OnnxImport, InitializersAndConstantsAreConstants) {
  ModelBuilder model;
  model.input("x", {2});
  model.initializer("w", {1, 2});
  model.input("w", {2});  // as files before IR 4 list them
  auto& constant = model.node("Constant", {}, {"c"});
  ModelBuilder::attribute(constant, "value_float", AttributeProto::FLOAT).set_f(0.5f);
  model.node("Add", {"x", "w"}, {"t"});
  model.node("Mul", {"t", "c"}, {"y"});
  model.output("y");
  const Graph graph = model.import().value();
  EXPECT_EQ(graph.inputs.size(), 1u);
  EXPECT_EQ(graph.nodes().size(), 2u);
  EXPECT_EQ(graph.value(*graph.find_value("w")).constant->values<float>()[1], 2);
  EXPECT_EQ(graph.value(*graph.find_value("c")).constant->values<float>()[0], 0.5f);
  EXPECT_TRUE(graph.value(*graph.find_value("c")).type.shape.empty());
}

TEST(OnnxImport, ANodeWithoutANameIsCalledByItsFirstResult) {
  ModelBuilder model;
  model.input("x", {2});
  model.node("Relu", {"x"}, {"t"}).set_name("first");
  model.node("Relu", {"t"}, {"y"}).clear_name();
  model.output("y");
  const Graph graph = model.import().value();
  EXPECT_EQ(graph.node(0).name, "first");
  EXPECT_EQ(graph.node(1).name, "y");
}

TEST(OnnxImport, AbsentInputsKeepTheirPlaceAndTrailingOnesGo) {
  ModelBuilder model;
  model.input("x", {2});
  model.initializer("high", {1});
  model.node("Clip", {"x", "", "high", ""}, {"y"});
  model.output("y");
  const Graph graph = model.import().value();
  const Node& node = only_node(graph);
  ASSERT_EQ(node.inputs.size(), 3u);
  EXPECT_EQ(node.inputs[1], kNoValue);
}

TEST(OnnxImport, NodesMayStandInAnyOrder) {
  ModelBuilder model;
  model.input("x", {2});
  model.node("Relu", {"t"}, {"y"});
  model.node("Neg", {"x"}, {"t"});
  model.output("y");
  const Graph graph = model.import().value();
  EXPECT_EQ(graph.nodes()[0].op, "Neg");
}

TEST(OnnxImport, AttributesOfEveryKindArrive) {
  ModelBuilder model;
  model.input("x", {2});
  onnx::NodeProto& node = model.node("Relu", {"x"}, {"y"});
  ModelBuilder::attribute(node, "f", AttributeProto::FLOAT).set_f(0.5f);
  ModelBuilder::attribute(node, "i", AttributeProto::INT).set_i(-4);
  ModelBuilder::attribute(node, "s", AttributeProto::STRING).set_s("text");
  ModelBuilder::ints(node, "is", {1, 2});
  ModelBuilder::attribute(node, "fs", AttributeProto::FLOATS).add_floats(2);
  ModelBuilder::attribute(node, "ss", AttributeProto::STRINGS).add_strings("one");
  auto& tensor = *ModelBuilder::attribute(node, "t", AttributeProto::TENSOR).mutable_t();
  tensor.set_data_type(TensorProto::INT64);
  tensor.add_int64_data(9);
  model.output("y");
  const Graph graph = model.import().value();
  const Node& imported = only_node(graph);
  EXPECT_EQ(imported.real("f", 0), 0.5f);
  EXPECT_EQ(imported.integer("i", 0), -4);
  EXPECT_EQ(imported.text("s", ""), "text");
  EXPECT_EQ(imported.integers("is"), (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(std::get<std::vector<float>>(*imported.attribute("fs")), std::vector<float>{2});
  EXPECT_EQ(std::get<std::vector<std::string>>(*imported.attribute("ss")),
            std::vector<std::string>{"one"});
  EXPECT_EQ(std::get<Tensor>(*imported.attribute("t")).values<int64_t>()[0], 9);
}

TEST(OnnxImport, NestedGraphsListWhatTheyCapture) {
  ModelBuilder model;
  model.input("cond", {}, TensorProto::BOOL);
  model.input("x", {2});
  model.input("z", {2});
  model.initializer("w", {1, 2});
  onnx::NodeProto& node = model.node("If", {"cond"}, {"y"});
  auto& then_graph =
      *ModelBuilder::attribute(node, "then_branch", AttributeProto::GRAPH).mutable_g();
  ModelBuilder::node_in(then_graph, "Add", {"z", "w"}, {"a"});
  then_graph.add_output()->set_name("a");
  auto& else_graph =
      *ModelBuilder::attribute(node, "else_branch", AttributeProto::GRAPH).mutable_g();
  ModelBuilder::node_in(else_graph, "Sub", {"x", "z"}, {"b"});
  else_graph.add_output()->set_name("b");
  model.output("y");

  const Graph graph = model.import().value();
  const Node& imported = only_node(graph);
  const auto& captures = std::get<std::vector<std::string>>(*imported.attribute("captures"));
  EXPECT_EQ(captures, (std::vector<std::string>{"z", "x"})) << "but not the constant w";
  ASSERT_EQ(imported.inputs.size(), 3u);
  EXPECT_EQ(graph.value(imported.inputs[1]).name, "z");
  EXPECT_EQ(graph.value(imported.inputs[2]).name, "x");
  for (const char* key : {"then_branch", "else_branch"}) {
    const auto& branch = std::get<std::shared_ptr<const Graph>>(*imported.attribute(key));
    ASSERT_EQ(branch->inputs.size(), 2u);
    EXPECT_EQ(branch->value(branch->inputs[0]).name, "z");
    EXPECT_EQ(branch->value(branch->inputs[1]).name, "x");
  }
  const auto& branch = std::get<std::shared_ptr<const Graph>>(*imported.attribute("then_branch"));
  EXPECT_EQ(branch->value(*branch->find_value("w")).constant->bytes().data(),
            graph.value(*graph.find_value("w")).constant->bytes().data())
      << "the bytes are shared";
}

ModelBuilder relu(int64_t opset = 17) {
  ModelBuilder model(opset);
  model.input("x", {2});
  model.node("Relu", {"x"}, {"y"});
  model.output("y");
  return model;
}

TEST(OnnxImportRefuses, OpsetsItDoesNotKnow) {
  EXPECT_EQ(relu(7).failure(), std::nullopt);
  EXPECT_EQ(relu(28).failure(), std::nullopt);
  EXPECT_EQ(relu(6).failure(), ErrorCode::kUnsupported);
  EXPECT_EQ(relu(29).failure(), ErrorCode::kUnsupported);
  ModelBuilder other = relu();
  other.proto.mutable_opset_import(0)->set_domain("com.example");
  EXPECT_EQ(other.failure(), ErrorCode::kUnsupported);
}

TEST(OnnxImportRefuses, ForeignOperatorsAndFunctions) {
  ModelBuilder foreign = relu();
  foreign.graph().mutable_node(0)->set_domain("com.microsoft");
  const Result<Graph> graph = foreign.import();
  EXPECT_EQ(graph.error().code, ErrorCode::kUnsupported);
  EXPECT_NE(graph.error().message.find("com.microsoft"), std::string::npos);
  EXPECT_NE(graph.error().message.find("Relu"), std::string::npos);
  ModelBuilder functions = relu();
  functions.proto.add_functions();
  EXPECT_EQ(functions.failure(), ErrorCode::kUnsupported);
}

TEST(OnnxImportRefuses, GraphsThatAreNotGraphs) {
  ModelBuilder missing = relu();
  missing.node("Add", {"x", "nowhere"}, {"z"});
  EXPECT_EQ(missing.failure(), ErrorCode::kCorrupt);
  ModelBuilder twice = relu();
  twice.node("Neg", {"x"}, {"y"});
  EXPECT_EQ(twice.failure(), ErrorCode::kCorrupt);
  ModelBuilder cycle = relu();
  cycle.node("Add", {"x", "b"}, {"a"});
  cycle.node("Add", {"x", "a"}, {"b"});
  EXPECT_EQ(cycle.failure(), ErrorCode::kCorrupt);
  ModelBuilder output = relu();
  output.output("nowhere");
  EXPECT_EQ(output.failure(), ErrorCode::kCorrupt);
  ModelBuilder constant = relu();
  constant.node("Constant", {}, {"c"});
  EXPECT_EQ(constant.failure(), ErrorCode::kCorrupt);
}

TEST(OnnxImportRefuses, InputsThatAreNotTensorsOfKnownRank) {
  ModelBuilder text = relu();
  text.input("t", {1}, TensorProto::STRING);
  EXPECT_EQ(text.failure(), ErrorCode::kUnsupported);
  ModelBuilder sequence = relu();
  auto& info = *sequence.graph().add_input();
  info.set_name("s");
  info.mutable_type()->mutable_sequence_type();
  EXPECT_EQ(sequence.failure(), ErrorCode::kUnsupported);
  ModelBuilder rankless = relu();
  rankless.graph().mutable_input(0)->mutable_type()->mutable_tensor_type()->clear_shape();
  EXPECT_EQ(rankless.failure(), ErrorCode::kUnsupported);
}

TEST(OnnxImportRefuses, OperatorsWithoutAFormToday) {
  ModelBuilder model(9);
  model.input("x", {2});
  model.node("Upsample", {"x", "x"}, {"y"});
  model.output("y");
  EXPECT_EQ(model.failure(), ErrorCode::kUnsupported);
}

TEST(OnnxImport, AnOperatorOfOursIsNotTheOnnxOperatorOfItsName) {
  for (const char* op : {"Attention", "RotaryEmbedding", "Linear", "Silu"}) {
    ModelBuilder model(24);
    model.input("x", {2, 3, 4});
    model.node(op, {"x", "x", "x"}, {"y"}).set_name("block");
    model.output("y");
    const auto graph = model.import();
    ASSERT_FALSE(graph) << op;
    EXPECT_EQ(graph.error().code, ErrorCode::kUnsupported);
    const std::string& message = graph.error().message;
    EXPECT_NE(message.find("\"block\""), std::string::npos) << message;
    EXPECT_NE(message.find(op), std::string::npos) << message;
    EXPECT_NE(message.find("ai.onnx, opset 24"), std::string::npos) << message;
    EXPECT_FALSE(graph.error().remedy.empty());
  }
}

TEST(OnnxImport, ANodeWithoutAnOperatorAndAValueOfManyAxesAreRefused) {
  ModelBuilder nameless;
  nameless.input("x", {2});
  nameless.node("", {"x"}, {"y"});
  nameless.output("y");
  EXPECT_EQ(nameless.failure(), ErrorCode::kCorrupt);
  ModelBuilder deep;
  deep.input("x", {1});
  auto& shape = *deep.graph().mutable_input(0)->mutable_type()->mutable_tensor_type();
  for (int i = 0; i < 100; ++i) shape.mutable_shape()->add_dim()->set_dim_value(1);
  deep.node("Relu", {"x"}, {"y"});
  deep.output("y");
  EXPECT_EQ(deep.failure(), ErrorCode::kUnsupported);
}

TEST(OnnxImport, AnAttributeOfAnotherKindIsNotTakenForAbsent) {
  ModelBuilder model;
  model.input("x", {2, 2});
  auto& node = model.node("Softmax", {"x"}, {"y"});
  ModelBuilder::attribute(node, "axis", AttributeProto::STRING).set_s("one");
  model.output("y");
  const auto graph = model.import();
  ASSERT_FALSE(graph);
  EXPECT_NE(graph.error().message.find("axis: it holds STRING, not INT"), std::string::npos)
      << graph.error().message;
}

}  // namespace
}  // namespace tenwatt::exchange
