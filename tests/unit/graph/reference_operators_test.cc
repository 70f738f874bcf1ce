// ONNX operators: options that ONNX's node cases leave out against onnxruntime
// (tests/reference/record_operators.py), and inputs that an operator must refuse.
#include "recorded_case.h"

namespace tenwatt::graph {
namespace {

using Json = nlohmann::json;

std::vector<double> doubles_of(const Tensor& tensor) {
  std::vector<double> values;
  for (size_t i = 0; i < static_cast<size_t>(tensor.count()); ++i) {
    switch (tensor.format()) {
      case Format::kF64:
        values.push_back(tensor.values<double>()[i]);
        break;
      case Format::kF16:
        values.push_back(f16_to_f32(tensor.values<uint16_t>()[i]));
        break;
      default:
        values.push_back(tensor.values<float>()[i]);
        break;
    }
  }
  return values;
}

void expect_equal(const Tensor& actual, const Tensor& expected) {
  ASSERT_EQ(info(actual.format()).name, info(expected.format()).name);
  ASSERT_EQ(actual.shape(), expected.shape());
  if (info(expected.format()).kind != FormatKind::kFloat) {
    EXPECT_TRUE(std::ranges::equal(actual.bytes(), expected.bytes()));
    return;
  }
  std::vector<double> values = doubles_of(actual);
  std::vector<double> wanted = doubles_of(expected);
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (values[i] == wanted[i]) continue;
    ASSERT_NEAR(values[i], wanted[i], 1e-6 * std::max(largest_of(wanted), 1.0)) << "element " << i;
  }
}

TEST(Operators, EveryRecordedCaseAgreesWithOnnxruntime) {
  const Json file = read_recorded("operators.json");
  for (const Json& json : file.at("cases")) {
    SCOPED_TRACE(json.at("op").get<std::string>() + " " + json.at("attributes").dump());
    const Json& expected = json.at("outputs");
    auto outputs = run_reference(recorded_node(json, expected.size()), recorded_inputs(json));
    EXPECT_TRUE(outputs) << outputs.error().message;
    if (!outputs) continue;
    for (size_t i = 0; i < expected.size(); ++i) {
      expect_equal(outputs->at(i), recorded_tensor(expected[i]));
    }
  }
  EXPECT_GE(file.at("cases").size(), 150U);
}

Tensor zeros(Shape shape) { return Tensor::create(Format::kF32, std::move(shape)).value(); }
Tensor integers(std::initializer_list<int64_t> values) {
  return Tensor::of<int64_t>(values, {static_cast<int64_t>(values.size())});
}

struct Refused {
  std::string op;
  std::vector<ReferenceInput> inputs;
  std::map<std::string, Attribute, std::less<>> attributes;
};

TEST(Operators, InputsThatMakeNoSenseAreErrorsThatNameTheNode) {
  const int64_t huge = int64_t{1} << 62;
  const std::vector<Refused> all = {
      {"Add", {zeros({2}), zeros({3})}, {}},
      {"Add", {zeros({2}), integers({1, 2})}, {}},
      {"Add", {zeros({2}), {}}, {}},
      {"Cast", {zeros({2})}, {}},
      {"Cast", {zeros({2})}, {{"to", int64_t{8}}}},
      {"Clip", {zeros({2}), zeros({2})}, {}},
      {"Concat", {zeros({2, 2}), zeros({2, 3})}, {{"axis", int64_t{0}}}},
      {"Concat", {zeros({2, 2}), zeros({2})}, {{"axis", int64_t{1}}}},
      {"Constant", {}, {}},
      {"ConstantOfShape", {integers({huge, huge})}, {}},
      {"ConstantOfShape", {integers({-1})}, {}},
      {"Conv", {zeros({1, 3, 4}), zeros({2, 2, 3})}, {}},
      {"Conv", {zeros({1, 2, 2}), zeros({2, 2, 3})}, {}},
      {"Conv", {zeros({1, 2, 4}), zeros({2, 2, 3})}, {{"strides", std::vector<int64_t>{0}}}},
      {"Conv", {zeros({1, 2, 4}), zeros({2, 2, 3})}, {{"pads", std::vector<int64_t>{-1, 0}}}},
      {"Conv", {zeros({1, 2, 4}), zeros({2, 2, 3})}, {{"group", int64_t{0}}}},
      {"ConvTranspose", {zeros({1, 2, 4}), zeros({3, 2, 3})}, {}},
      {"CumSum", {zeros({2}), integers({1})}, {}},
      {"Div", {integers({1}), integers({0})}, {}},
      {"Expand", {zeros({2}), integers({-3, 2})}, {}},
      {"Gather", {zeros({2}), integers({2})}, {}},
      {"Gather", {zeros({2}), integers({-3})}, {}},
      {"Gather", {zeros({}), integers({0})}, {}},
      {"GatherElements", {zeros({2, 2}), integers({0})}, {}},
      {"GatherND", {zeros({2}), integers({0, 0})}, {}},
      {"Gemm", {zeros({2, 3}), zeros({2, 3})}, {}},
      {"If", {Tensor::of<bool>({true}, {})}, {}},
      {"LayerNormalization", {zeros({2, 3}), zeros({2, 2})}, {}},
      {"MatMul", {zeros({2, 3}), zeros({2, 3})}, {}},
      {"MatMul", {zeros({}), zeros({2, 3})}, {}},
      {"Pad", {zeros({2}), integers({-2, -1})}, {}},
      {"Pad", {zeros({2}), integers({huge, huge})}, {}},
      {"Pad", {zeros({0}), integers({1, 1})}, {{"mode", std::string("edge")}}},
      {"Range", {integers({0}), integers({5}), integers({0})}, {}},
      {"ReduceSum", {zeros({2}), integers({1})}, {}},
      {"ReduceSum", {zeros({2, 2}), integers({-3})}, {}},
      {"Reshape", {zeros({4}), integers({3, -1})}, {}},
      {"Reshape", {zeros({4}), integers({-1, -1})}, {}},
      {"Reshape", {zeros({4}), integers({huge, 4})}, {}},
      {"ScatterND", {zeros({2}), integers({5}), zeros({})}, {}},
      {"Slice", {zeros({2}), integers({0}), integers({2}), integers({0}), integers({0})}, {}},
      {"Slice", {zeros({2}), integers({0}), integers({2, 2})}, {}},
      {"Split", {zeros({4}), integers({1, 2})}, {}},
      {"Squeeze", {zeros({2}), integers({0})}, {}},
      {"Transpose", {zeros({2, 2})}, {{"perm", std::vector<int64_t>{0, 0}}}},
      {"Where", {zeros({2}), zeros({2}), zeros({2})}, {}},
      {"LSTM", {zeros({2, 1, 3}), zeros({1, 8, 3}), zeros({1, 8, 3})}, {}},
      {"NoSuchOperator", {}, {}},
  };
  for (const Refused& refused : all) {
    Node node;
    node.op = refused.op;
    node.name = "the node";
    node.attributes = refused.attributes;
    auto outputs = run_reference(node, refused.inputs);
    ASSERT_FALSE(outputs) << refused.op;
    EXPECT_TRUE(outputs.error().message.starts_with(refused.op + " 'the node'"))
        << outputs.error().message;
  }
}

TEST(Operators, RandomNormalsDependOnSeedAndNodeOnly) {
  Node node;
  node.op = "RandomNormalLike";
  node.name = "noise";
  const std::vector<ReferenceInput> inputs{zeros({100, 100})};
  auto draw = [&](uint64_t seed) { return run_reference(node, inputs, {{}, seed})->at(0); };
  Tensor first = draw(1);
  EXPECT_TRUE(std::ranges::equal(first.bytes(), draw(1).bytes()));
  EXPECT_FALSE(std::ranges::equal(first.bytes(), draw(2).bytes()));
  node.name = "other noise";
  EXPECT_FALSE(std::ranges::equal(first.bytes(), draw(1).bytes()));
  double sum = 0;
  double squares = 0;
  for (float value : first.values<float>()) {
    sum += value;
    squares += value * value;
  }
  EXPECT_NEAR(sum / 10000, 0, 0.05);
  EXPECT_NEAR(squares / 10000, 1, 0.05);
}

}  // namespace
}  // namespace tenwatt::graph
