// Our own operators against vectors that tests/reference/record_own_operators.py made with the ONNX
// reference evaluator and gguf's quantisers.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "graph/reference/reference.h"

namespace tenwatt::graph {
namespace {

using Json = nlohmann::json;

Json recorded() {
  std::ifstream file(TENWATT_SOURCE_DIR "/tests/reference/data/own_operators.json");
  return Json::parse(file);
}

Tensor tensor_from_bytes(Format format, Shape shape, const std::string& hex) {
  Tensor tensor = Tensor::create(format, std::move(shape)).value();
  std::span<std::byte> to = tensor.mutable_bytes();
  EXPECT_EQ(to.size() * 2, hex.size());
  for (size_t i = 0; i < to.size(); ++i) {
    to[i] = static_cast<std::byte>(std::stoi(hex.substr(2 * i, 2), nullptr, 16));
  }
  return tensor;
}

Tensor tensor_from(const Json& json) {
  Format format = *format_by_name(json.at("format").get<std::string>());
  Shape shape = json.at("shape").get<Shape>();
  if (json.contains("bytes")) return tensor_from_bytes(format, shape, json.at("bytes"));
  if (format == Format::kF32) {
    auto values = json.at("values").get<std::vector<float>>();
    return Tensor::of(std::span<const float>(values), shape);
  }
  auto values = json.at("values").get<std::vector<int32_t>>();
  return Tensor::of(std::span<const int32_t>(values), shape);
}

Node node_from(const Json& json) {
  Node node;
  node.op = json.at("op");
  node.outputs = {0};
  for (const auto& [key, value] : json.at("attributes").items()) {
    if (value.is_string()) {
      node.attributes[key] = value.get<std::string>();
    } else if (value.is_number_float()) {
      node.attributes[key] = value.get<float>();
    } else {
      node.attributes[key] = value.get<int64_t>();
    }
  }
  return node;
}

std::vector<ReferenceSlice> slices_from(const Json& json) {
  std::vector<ReferenceSlice> slices;
  for (const Json& item : json) {
    ReferenceSlice slice{item.at("first_row"), item.at("rows"), item.at("position"), {}};
    for (const auto& [state, past] : item.at("past").items()) {
      slice.past.emplace(state, tensor_from(past));
    }
    slices.push_back(std::move(slice));
  }
  return slices;
}

Result<std::vector<Tensor>> run_case(const Json& json) {
  std::vector<ReferenceInput> inputs;
  for (const Json& input : json.at("inputs")) {
    inputs.push_back(input.is_null() ? ReferenceInput() : tensor_from(input));
  }
  std::vector<ReferenceSlice> slices = slices_from(json.at("slices"));
  return run_reference(node_from(json), inputs, {slices, 0});
}

void expect_output(const Json& json, const Tensor& actual) {
  EXPECT_EQ(actual.format(), Format::kF32);
  ASSERT_EQ(actual.shape(), json.at("shape").get<Shape>());
  auto expected = json.at("values").get<std::vector<double>>();
  double largest = 0;
  for (double value : expected) largest = std::max(largest, std::abs(value));
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR(actual.values<float>()[i], expected[i], 2e-6 * largest) << "element " << i;
  }
}

TEST(OwnOperators, EveryRecordedCase) {
  size_t cases = 0;
  const Json file = recorded();
  for (const Json& json : file.at("cases")) {
    SCOPED_TRACE(json.at("name").get<std::string>());
    auto outputs = run_case(json);
    ASSERT_TRUE(outputs) << outputs.error().message;
    expect_output(json.at("output"), outputs->at(0));
    ++cases;
  }
  EXPECT_EQ(cases, 42U);
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
