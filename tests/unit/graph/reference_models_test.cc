// Whole models through the importer and the interpreter, against what onnxruntime computes. The
// models are in the folder that TENWATT_TEST_MODELS names.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "exchange/onnx_import.h"
#include "graph/ops/infer.h"
#include "graph/reference/reference.h"
#include "material.h"

namespace tenwatt::graph {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

using material::model_if_present;

Json read_json(const fs::path& path) {
  std::ifstream file(path);
  return Json::parse(file);
}

Json recorded_silero() {
  return read_json(fs::path(TENWATT_SOURCE_DIR) / "tests/reference/data/silero_vad.json");
}

Tensor zeros(Shape shape) { return Tensor::create(Format::kF32, std::move(shape)).value(); }

/// The generator of record_silero_vad.py.
Tensor noise(Shape shape) {
  Tensor tensor = zeros(std::move(shape));
  uint32_t state = 1;
  for (float& value : tensor.mutable_values<float>()) {
    state = 1664525 * state + 1013904223;
    value = static_cast<float>(state >> 8) / 0x1p24F - 0.5F;
  }
  return tensor;
}

void expect_recorded(const Json& outputs, const std::map<std::string, Tensor>& actual) {
  for (const auto& [name, recorded] : outputs.items()) {
    SCOPED_TRACE(name);
    ASSERT_TRUE(actual.contains(name));
    const Tensor& tensor = actual.at(name);
    ASSERT_EQ(tensor.shape(), recorded.at("shape").get<Shape>());
    auto expected = recorded.at("values").get<std::vector<float>>();
    for (size_t i = 0; i < expected.size(); ++i) {
      ASSERT_NEAR(tensor.values<float>()[i], expected[i], 1e-5) << "element " << i;
    }
  }
}

TEST(ReferenceModels, SileroSequenceAgreesWithOnnxruntime) {
  std::string path = model_if_present("silero_vad_16k_sequence.onnx");
  if (path.empty()) GTEST_SKIP() << "silero_vad_16k_sequence.onnx is not in TENWATT_TEST_MODELS";
  auto graph = exchange::import_onnx(path);
  ASSERT_TRUE(graph) << graph.error().message;
  auto inferred = infer_shapes(*graph);
  ASSERT_TRUE(inferred) << inferred.error().message;
  auto actual = evaluate(
      *graph, {{"input", noise({4, 576})}, {"h", zeros({1, 1, 128})}, {"c", zeros({1, 1, 128})}});
  ASSERT_TRUE(actual) << actual.error().message;
  expect_recorded(recorded_silero().at("sequence"), *actual);
}

TEST(ReferenceModels, SileroTakesTheBranchOfTheSampleRate) {
  std::string path = model_if_present("silero_vad.onnx");
  if (path.empty()) GTEST_SKIP() << "silero_vad.onnx is not in TENWATT_TEST_MODELS";
  auto graph = exchange::import_onnx(path);
  ASSERT_TRUE(graph) << graph.error().message;
  const Json recorded = recorded_silero().at("single");
  for (auto [rate, samples] : {std::pair<int64_t, int64_t>{16000, 576}, {8000, 288}}) {
    SCOPED_TRACE(rate);
    auto actual = evaluate(*graph, {{"input", noise({1, samples})},
                                    {"state", zeros({2, 1, 128})},
                                    {"sr", Tensor::scalar<int64_t>(rate)}});
    ASSERT_TRUE(actual) << actual.error().message;
    expect_recorded(recorded.at(std::to_string(rate)), *actual);
  }
}

std::vector<float> read_floats(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(file)), {});
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
  return values;
}

/// 10 log10 of signal power over the power of the difference.
double signal_to_noise(std::span<const float> actual, std::span<const float> expected) {
  double signal = 0;
  double difference = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    signal += std::pow(expected[i], 2);
    difference += std::pow(static_cast<double>(actual[i]) - expected[i], 2);
  }
  return 10 * std::log10(signal / difference);
}

TEST(ReferenceModels, PiperSpeaksAsOnnxruntimeDoes) {
  std::string path = model_if_present("en_US-joe-medium.onnx");
  if (path.empty()) GTEST_SKIP() << "en_US-joe-medium.onnx is not in TENWATT_TEST_MODELS";
  fs::path reference = material::shared("data/piper");
  if (!fs::exists(reference)) GTEST_SKIP() << "no recorded audio at " << reference;
  auto graph = exchange::import_onnx(path);
  ASSERT_TRUE(graph) << graph.error().message;
  auto inferred = infer_shapes(*graph);
  ASSERT_TRUE(inferred) << inferred.error().message;
  const Json recorded = read_json(reference / "ref.json").at("cases").at(0);
  auto ids = recorded.at("ids").get<std::vector<int64_t>>();
  auto frames = recorded.at("frames_per_id").get<std::vector<float>>();
  auto count = static_cast<int64_t>(ids.size());
  EvaluateOptions options;
  std::vector<float> actual_frames;
  options.observe = [&](ValueId id, const Tensor& value) {
    if (graph->value(id).name != "/Ceil_output_0") return;
    actual_frames.assign(value.values<float>().begin(), value.values<float>().end());
  };
  auto actual = evaluate(*graph,
                         {{"input", Tensor::of(std::span<const int64_t>(ids), {1, count})},
                          {"input_lengths", Tensor::of<int64_t>({count}, {1})},
                          {"scales", Tensor::of<float>({0, 1, 0}, {3})}},
                         options);
  ASSERT_TRUE(actual) << actual.error().message;
  EXPECT_EQ(actual_frames, frames);
  std::vector<float> expected = read_floats(reference / "ref-1.f32");
  std::span<const float> samples = actual->at("output").values<float>();
  ASSERT_EQ(samples.size(), expected.size());
  double decibels = signal_to_noise(samples, expected);
  std::cout << "signal to noise: " << decibels << " dB\n";
  EXPECT_GE(decibels, 90);
}

}  // namespace
}  // namespace tenwatt::graph
