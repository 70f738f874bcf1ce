// Every ONNX model of the catalogue imports with exactly the operators that were counted in it by
// another program (facts: data/onnx/kinds.json).
#include <gtest/gtest.h>

#include <map>

#include "exchange/onnx_import.h"
#include "files/json_file.h"
#include "unit/files/support/hostile.h"

namespace tenwatt::exchange {
namespace {

using graph::Graph;

using Kinds = std::map<std::string, int64_t>;

// Counts nodes of a graph and of the graphs that its nodes hold.
void count(const Graph& graph, Kinds& kinds) {
  for (const graph::Node& node : graph.nodes()) {
    ++kinds[node.op];
    for (const auto& [key, value] : node.attributes) {
      if (const auto* held = std::get_if<std::shared_ptr<const Graph>>(&value))
        count(**held, kinds);
    }
  }
}

class RealModel : public testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(RealModel, HasTheCountedOperators) {
  const auto [file, title] = GetParam();
  const std::string path = testing_files::model_path(file);
  TENWATT_NEED_FILE(path);
  const std::string facts = testing_files::shared_path("data/onnx/kinds.json");
  TENWATT_NEED_FILE(facts);
  const nlohmann::json json = files::read_json(facts).value();
  Kinds expected = json.at("graphs").at(title).at("kinds").get<Kinds>();
  expected.erase("Constant");  // constants are values here

  const Result<Graph> graph = import_onnx(path);
  ASSERT_TRUE(graph) << graph.error().message;
  Kinds kinds;
  count(*graph, kinds);
  EXPECT_EQ(kinds, expected);

  const auto& inputs = json.at("graphs").at(title).at("inputs");
  ASSERT_EQ(graph->inputs.size(), inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    EXPECT_EQ(graph->value(graph->inputs[i]).name, inputs[i][0].get<std::string>());
    EXPECT_EQ(graph->value(graph->inputs[i]).type.shape.size(), inputs[i][2].size());
  }
}

INSTANTIATE_TEST_SUITE_P(
    Catalogue, RealModel,
    testing::Values(std::pair{"en_US-joe-medium.onnx", "piper en_US-joe-medium"},
                    std::pair{"silero_vad.onnx", "silero_vad.onnx"},
                    std::pair{"silero_vad_16k_sequence.onnx", "silero_vad_16k_sequence.onnx"},
                    std::pair{"silero_vad_16k_op15.onnx", "silero_vad_16k_op15.onnx"},
                    std::pair{"silero_vad_half.onnx", "silero_vad_half.onnx"},
                    std::pair{"silero_vad_op18_ifless.onnx", "silero_vad_op18_ifless.onnx"},
                    std::pair{"silero_vad_openvino_16k.onnx", "silero_vad_openvino_16k.onnx"}));

}  // namespace
}  // namespace tenwatt::exchange
