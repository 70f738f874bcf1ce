// Our own operators against vectors that tests/reference/record_own_operators.py made with the ONNX
// reference evaluator and gguf's quantisers.
#include "recorded_case.h"

namespace tenwatt::graph {
namespace {

using Json = nlohmann::json;

std::vector<ReferenceSlice> slices_from(const Json& json) {
  std::vector<ReferenceSlice> slices;
  for (const Json& item : json) {
    ReferenceSlice slice{item.at("first_row"), item.at("rows"), item.at("position"), {}};
    for (const auto& [state, past] : item.at("past").items()) {
      slice.past.emplace(state, recorded_tensor(past));
    }
    slices.push_back(std::move(slice));
  }
  return slices;
}

void expect_output(const Json& json, const Tensor& actual) {
  EXPECT_EQ(actual.format(), Format::kF32);
  ASSERT_EQ(actual.shape(), json.at("shape").get<Shape>());
  auto expected = json.at("values").get<std::vector<double>>();
  for (size_t i = 0; i < expected.size(); ++i) {
    ASSERT_NEAR(actual.values<float>()[i], expected[i], 2e-6 * largest_of(expected)) << i;
  }
}

TEST(OwnOperators, EveryRecordedCase) {
  const Json file = read_recorded("own_operators.json");
  for (const Json& json : file.at("cases")) {
    SCOPED_TRACE(json.at("name").get<std::string>());
    std::vector<ReferenceSlice> slices = slices_from(json.at("slices"));
    auto outputs = run_reference(recorded_node(json, 1), recorded_inputs(json), {slices, 0});
    ASSERT_TRUE(outputs) << outputs.error().message;
    expect_output(json.at("output"), outputs->at(0));
  }
  EXPECT_EQ(file.at("cases").size(), 42U);
}

Tensor zeros(Shape shape) { return Tensor::create(Format::kF32, std::move(shape)).value(); }

Node plain_node(std::string op) {
  Node node;
  node.op = std::move(op);
  node.outputs = {0};
  return node;
}

TEST(OwnOperators, ShapesThatDoNotFitAreErrors) {
  const std::vector<std::pair<std::string, std::vector<ReferenceInput>>> wrong = {
      {"Linear", {zeros({2, 3}), zeros({4, 5})}},
      {"Linear", {zeros({2, 3}), zeros({4, 3}), zeros({3})}},
      {"Linear", {zeros({2, 3})}},
      {"RmsNorm", {zeros({2, 3}), zeros({2})}},
      {"RotaryEmbedding", {zeros({2, 1, 4}), Tensor::of<int32_t>({0}, {1})}},
      {"RotaryEmbedding", {zeros({1, 1, 3}), Tensor::of<int32_t>({0}, {1})}},
      {"Attention", {zeros({2, 4, 8}), zeros({2, 3, 8}), zeros({2, 3, 8})}},
      {"Attention", {zeros({2, 4, 8}), zeros({3, 4, 8}), zeros({3, 4, 8})}},
      {"CrossAttention", {zeros({2, 4, 8}), zeros({5, 4, 8}), zeros({6, 4, 8})}},
      {"GatedFeedForward", {zeros({1, 2}), zeros({3, 2}), zeros({4, 2}), zeros({2, 3})}},
  };
  for (const auto& [op, inputs] : wrong) {
    auto outputs = run_reference(plain_node(op), inputs);
    ASSERT_FALSE(outputs) << op;
    EXPECT_EQ(outputs.error().code, ErrorCode::kInvalidArgument) << op;
    EXPECT_TRUE(outputs.error().message.starts_with(op));
  }
}

TEST(OwnOperators, AnIdOutsideTheTableIsAnError) {
  for (int32_t id : {-1, 4}) {
    std::vector<ReferenceInput> inputs{Tensor::of<int32_t>({id}, {1}), zeros({4, 2})};
    auto outputs = run_reference(plain_node("Embedding"), inputs);
    ASSERT_FALSE(outputs);
    EXPECT_EQ(outputs.error().code, ErrorCode::kOutOfRange);
  }
}

TEST(OwnOperators, ASliceBeyondTheTokensIsAnError) {
  std::vector<ReferenceSlice> slices{{1, 2, 0, {}}};
  std::vector<ReferenceInput> inputs{zeros({2, 1, 4}), zeros({2, 1, 4}), zeros({2, 1, 4})};
  EXPECT_FALSE(run_reference(plain_node("Attention"), inputs, {slices, 0}));
}

}  // namespace
}  // namespace tenwatt::graph
