// Real models on the CPU device alone: what the recorded runs of onnxruntime say, and how much of
// them still runs on reference kernels. The models are in the folder that TENWATT_TEST_MODELS
// names.
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "device_support.h"
#include "exchange/onnx_import.h"
#include "graph/rewrites/optimise.h"
#include "material.h"

namespace tenwatt::cpu::testing {
namespace {

namespace fs = std::filesystem;

using material::model_if_present;

std::vector<float> read_floats(const fs::path& path) {
  std::vector<float> values(fs::file_size(path) / sizeof(float));
  std::ifstream(path, std::ios::binary)
      .read(reinterpret_cast<char*>(values.data()),
            static_cast<std::streamsize>(values.size() * sizeof(float)));
  return values;
}

double signal_to_noise(std::span<const float> actual, std::span<const float> expected) {
  double signal = 0;
  double difference = 1e-30;
  for (size_t i = 0; i < expected.size(); ++i) {
    signal += std::pow(expected[i], 2);
    difference += std::pow(static_cast<double>(actual[i]) - expected[i], 2);
  }
  return 10 * std::log10(signal / difference);
}

TEST(Models, PiperSpeaksAsOnnxruntimeDoes) {
  const std::string path = model_if_present("en_US-joe-medium.onnx");
  if (path.empty()) GTEST_SKIP() << "en_US-joe-medium.onnx is not in TENWATT_TEST_MODELS";
  const fs::path reference = material::shared("") / "data" / "piper";
  if (!fs::exists(reference)) GTEST_SKIP() << "no recorded audio at " << reference;
  auto graph = exchange::import_onnx(path);
  ASSERT_TRUE(graph.has_value()) << graph.error().message;
  const auto fixed = graph::fix_symbol(*graph, "batch_size", 1);
  ASSERT_TRUE(fixed.has_value()) << fixed.error().message;
  const auto optimised = graph::optimise(*graph);
  ASSERT_TRUE(optimised.has_value()) << optimised.error().message;
  Loaded loaded = load_on_cpu(*graph);
  ASSERT_NE(loaded.executable, nullptr);

  std::ifstream file(reference / "ref.json");
  const auto recorded = nlohmann::json::parse(file).at("cases").at(0);
  const auto ids = recorded.at("ids").get<std::vector<int64_t>>();
  const auto count = static_cast<int64_t>(ids.size());
  Tensors inputs = {{"input", Tensor::of(std::span<const int64_t>(ids), {1, count})},
                    {"input_lengths", Tensor::of<int64_t>({count}, {1})},
                    {"scales", Tensor::of<float>({0, 1, 0}, {3})}};
  const std::vector<float> expected = read_floats(reference / "ref-1.f32");
  // Noise is scaled by zero; its extents follow the ids and the frames that the model decides.
  const int64_t frames = static_cast<int64_t>(expected.size()) / 256;
  graph::Bindings bindings(graph->symbols().size());
  for (graph::ValueId id : graph->inputs) {
    const graph::Value& value = graph->value(id);
    if (inputs.contains(value.name)) {
      ASSERT_TRUE(graph::bind_shape(*graph, id, inputs.at(value.name).shape(), bindings));
      continue;
    }
    Shape shape;
    for (const graph::Dim& dim : value.type.shape) {
      shape.push_back(dim.evaluate(bindings).value_or(frames));
    }
    inputs[value.name] = Tensor::create(value.type.format, shape).value();
  }
  Team team(2);
  for (int round = 0; round < 3; ++round) {
    const auto start = std::chrono::steady_clock::now();
    const auto results = run_once(loaded, inputs, team);
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
    ASSERT_TRUE(results.has_value()) << results.error().message;
    const auto samples = results->begin()->second.values<float>();
    ASSERT_EQ(samples.size(), expected.size());
    const double decibels = signal_to_noise(samples, expected);
    std::cout << "signal to noise " << decibels << " dB, " << spent.count() << " s for "
              << static_cast<double>(samples.size()) / 22050 << " s of sound\n";
    EXPECT_GE(decibels, 80);
  }
}

}  // namespace
}  // namespace tenwatt::cpu::testing
