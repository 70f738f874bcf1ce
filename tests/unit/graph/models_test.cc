// Inference and rewrites on the catalogue's ONNX models. What onnxruntime computed for the shape of
// every value, at two lengths, is in tests/reference/data/shapes.json (record_shapes.py).
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>

#include "exchange/onnx_import.h"
#include "graph/ops/infer.h"
#include "graph/reference/reference.h"
#include "graph/rewrites/optimise.h"
#include "material.h"

namespace tenwatt::graph {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using Tensors = std::map<std::string, Tensor>;

using material::model_if_present;

/// Binds the symbols of the inputs, then of the recorded values that extents are read from.
Bindings recorded_bindings(const Graph& graph, const Json& model, size_t run) {
  Bindings bindings(graph.symbols().size());
  for (const ValueId id : graph.inputs) {
    const Value& value = graph.value(id);
    for (size_t axis = 0; axis < value.type.shape.size(); ++axis)
      for (const SymbolId symbol : value.type.shape[axis].symbols())
        bindings[static_cast<size_t>(symbol)] = model["inputs"][run][value.name][axis];
  }
  for (size_t i = 0; i < graph.symbols().size(); ++i) {
    const auto& source = graph.symbols()[i].source;
    if (!source) continue;
    const Json& recorded = model["values"][graph.value(source->value).name];
    const bool element = source->kind == Symbol::Source::Kind::kElement;
    bindings[i] =
        recorded[element ? "contents" : "shapes"][run][static_cast<size_t>(source->index)];
  }
  return bindings;
}

class RecordedShapes : public testing::TestWithParam<const char*> {};

TEST_P(RecordedShapes, OfEveryValueAreWhatInferenceSays) {
  const std::string path = model_if_present(GetParam());
  if (path.empty()) GTEST_SKIP() << GetParam() << " is not in TENWATT_TEST_MODELS";
  std::ifstream file(fs::path(TENWATT_SOURCE_DIR) / "tests/reference/data/shapes.json");
  const Json model = Json::parse(file)["models"][GetParam()];
  auto graph = exchange::import_onnx(path);
  ASSERT_TRUE(graph) << graph.error().message;
  const auto status = infer_shapes(*graph);
  ASSERT_TRUE(status) << status.error().message;
  size_t values = 0;
  size_t contents = 0;
  for (const size_t run : {size_t{0}, size_t{1}}) {
    const Bindings bindings = recorded_bindings(*graph, model, run);
    EXPECT_TRUE(graph->check_assumptions(bindings));
    for (const Value& value : graph->values()) {
      if (!model["values"].contains(value.name)) continue;
      const Json& recorded = model["values"][value.name];
      Shape shape;
      for (const Dim& dim : value.type.shape) shape.push_back(dim.evaluate(bindings).value());
      EXPECT_EQ(Json(shape), recorded["shapes"][run]) << value.name;
      ++values;
      if (!value.known || !recorded.contains("contents")) continue;
      Shape known;
      for (const Dim& dim : *value.known) known.push_back(dim.evaluate(bindings).value());
      EXPECT_EQ(Json(known), recorded["contents"][run]) << value.name;
      ++contents;
    }
  }
  EXPECT_GT(values, 60u);
  RecordProperty("values", static_cast<int>(values));
  RecordProperty("contents", static_cast<int>(contents));
}

INSTANTIATE_TEST_SUITE_P(Models, RecordedShapes,
                         testing::Values("en_US-joe-medium.onnx", "silero_vad_16k_sequence.onnx"));

size_t count(const Graph& graph, std::string_view op) {
  return static_cast<size_t>(std::ranges::count(graph.nodes(), op, &Node::op));
}

Tensor random_tensor(std::mt19937& random, Shape shape, float scale) {
  std::normal_distribution<float> normal(0.0f, scale);
  Tensor tensor = Tensor::create(Format::kF32, std::move(shape)).value();
  for (float& value : tensor.mutable_values<float>()) value = normal(random);
  return tensor;
}

/// Runs the graph and compares every value's shape and small contents with what inference said.
/// Returns how many values were compared.
size_t run_and_compare_shapes(const Graph& graph, const Tensors& inputs, Tensors& outputs) {
  std::map<ValueId, Shape> shapes;
  EvaluateOptions options;
  options.observe = [&](ValueId id, const Tensor& tensor) { shapes[id] = tensor.shape(); };
  auto result = evaluate(graph, inputs, options);
  EXPECT_TRUE(result) << result.error().message;
  if (!result) return 0;
  outputs = std::move(*result);
  Bindings bindings(graph.symbols().size());
  for (const ValueId id : graph.inputs) {
    const Value& value = graph.value(id);
    for (size_t axis = 0; axis < value.type.shape.size(); ++axis) {
      const auto symbols = value.type.shape[axis].symbols();
      if (symbols.size() == 1)
        bindings[static_cast<size_t>(symbols[0])] = inputs.at(value.name).shape()[axis];
    }
  }
  for (const auto& [id, shape] : shapes) {
    Shape inferred;
    for (const Dim& dim : graph.value(id).type.shape)
      inferred.push_back(dim.evaluate(bindings).value_or(-1));
    EXPECT_EQ(inferred, shape) << graph.describe(id);
  }
  return shapes.size();
}

TEST(SileroVad, LosesItsConditionalsAndKeepsItsNumbers) {
  const std::string path = model_if_present("silero_vad.onnx");
  if (path.empty()) GTEST_SKIP() << "silero_vad.onnx is not in TENWATT_TEST_MODELS";
  auto graph = exchange::import_onnx(path);
  ASSERT_TRUE(graph) << graph.error().message;
  Graph simple = *graph;
  ASSERT_TRUE(fix_input(simple, "sr", Tensor::scalar<int64_t>(16000)));
  ASSERT_TRUE(fix_symbol(simple, "input_1", 576));
  const auto counts = optimise(simple);
  ASSERT_TRUE(counts) << counts.error().message;
  EXPECT_EQ(count(simple, "If"), 0u);
  std::mt19937 random(5);
  for (const int64_t batch : {1, 3}) {
    Tensors inputs{{"input", random_tensor(random, {batch, 576}, 0.1f)},
                   {"state", random_tensor(random, {2, batch, 128}, 0.3f)}};
    Tensors actual;
    EXPECT_GT(run_and_compare_shapes(simple, inputs, actual), 30u);
    inputs["sr"] = Tensor::scalar<int64_t>(16000);
    const auto expected = evaluate(*graph, inputs);
    ASSERT_TRUE(expected) << expected.error().message;
    for (const auto& [name, tensor] : *expected) {
      ASSERT_EQ(tensor.shape(), actual.at(name).shape()) << name;
      for (size_t i = 0; i < tensor.values<float>().size(); ++i)
        ASSERT_EQ(tensor.values<float>()[i], actual.at(name).values<float>()[i]) << name;
    }
  }
}

/// Piper up to the frames per phoneme, with noise as inputs but otherwise as the file has it.
Result<Graph> piper_durations(const Graph& graph) {
  std::vector<ValueId> inputs;
  for (const ValueId id : graph.inputs)
    if (graph.value(id).name != "noise_1") inputs.push_back(id);
  for (const Node& node : graph.nodes()) {
    if (node.op != "Ceil") continue;
    const ValueId outputs[] = {node.outputs[0]};
    return extract(graph, inputs, outputs);
  }
  return fail(ErrorCode::kNotFound, "there is no Ceil");
}

TEST(Piper, SplinesBecomeDenseAndKeepTheirNumbers) {
  const std::string path = model_if_present("en_US-joe-medium.onnx");
  if (path.empty()) GTEST_SKIP() << "en_US-joe-medium.onnx is not in TENWATT_TEST_MODELS";
  auto graph = exchange::import_onnx(path);
  ASSERT_TRUE(graph) << graph.error().message;
  ASSERT_TRUE(apply_rewrite(*graph, "noise-as-inputs"));
  auto original = piper_durations(*graph);
  ASSERT_TRUE(original) << original.error().message;
  ASSERT_GT(count(*original, "NonZero"), 0u);
  Graph dense = *graph;
  const auto counts = optimise(dense);
  ASSERT_TRUE(counts) << counts.error().message;
  for (const char* op : {"NonZero", "GatherND", "ScatterND", "RandomNormalLike"})
    EXPECT_EQ(count(dense, op), 0u) << op;
  EXPECT_LT(dense.nodes().size(), graph->nodes().size() / 2);
  auto durations = piper_durations(dense);
  ASSERT_TRUE(durations) << durations.error().message;

  std::mt19937 random(11);
  for (const int64_t length : {1, 7, 20}) {
    Tensor ids = Tensor::create(Format::kI64, {1, length}).value();
    for (int64_t& id : ids.mutable_values<int64_t>()) id = static_cast<int64_t>(random() % 120);
    // Wide noise, so that many rows lie outside the splines' interval.
    const Tensors inputs{{"input", ids},
                         {"input_lengths", Tensor::of<int64_t>({length}, {1})},
                         {"scales", Tensor::of<float>({0.667f, 1.0f, 3.0f}, {3})},
                         {"noise_0", random_tensor(random, {1, 2, length}, 1.5f)}};
    const auto expected = evaluate(*original, inputs);
    ASSERT_TRUE(expected) << expected.error().message;
    Tensors actual;
    run_and_compare_shapes(*durations, inputs, actual);
    ASSERT_EQ(expected->size(), 1u);
    const auto& [name, tensor] = *expected->begin();
    for (size_t i = 0; i < tensor.values<float>().size(); ++i)
      EXPECT_EQ(tensor.values<float>()[i], actual.at(name).values<float>()[i]) << i;
  }
}

TEST(Piper, OptimisedWholeKeepsItsNumbers) {
  const std::string path = model_if_present("en_US-joe-medium.onnx");
  if (path.empty()) GTEST_SKIP() << "en_US-joe-medium.onnx is not in TENWATT_TEST_MODELS";
  auto graph = exchange::import_onnx(path);
  ASSERT_TRUE(graph) << graph.error().message;
  ASSERT_TRUE(apply_rewrite(*graph, "noise-as-inputs"));
  Graph optimised = *graph;
  ASSERT_TRUE(optimise(optimised));

  std::mt19937 random(13);
  Tensors inputs{{"input", Tensor::of<int64_t>({1, 20, 30}, {1, 3})},
                 {"input_lengths", Tensor::of<int64_t>({3}, {1})},
                 {"scales", Tensor::of<float>({0.667f, 0.5f, 0.8f}, {3})},
                 {"noise_0", random_tensor(random, {1, 2, 3}, 1.0f)}};
  const auto durations = piper_durations(optimised);
  ASSERT_TRUE(durations) << durations.error().message;
  const auto lengths = evaluate(*durations, inputs);
  ASSERT_TRUE(lengths) << lengths.error().message;
  int64_t frames = 0;
  for (const float length : lengths->begin()->second.values<float>())
    frames += static_cast<int64_t>(length);
  inputs["noise_1"] = random_tensor(random, {1, 192, frames}, 1.0f);

  const auto expected = evaluate(*graph, inputs);
  ASSERT_TRUE(expected) << expected.error().message;
  Tensors actual;
  EXPECT_GT(run_and_compare_shapes(optimised, inputs, actual), 900u);
  const auto wave = expected->at("output").values<float>();
  ASSERT_EQ(expected->at("output").shape(), actual.at("output").shape());
  ASSERT_EQ(wave.size(), static_cast<size_t>(frames) * 256);
  // Fused operators round differently.
  for (size_t i = 0; i < wave.size(); ++i)
    ASSERT_NEAR(wave[i], actual.at("output").values<float>()[i], 1e-4f) << i;
}

}  // namespace
}  // namespace tenwatt::graph
