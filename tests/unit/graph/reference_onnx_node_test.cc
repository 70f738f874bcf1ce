// The operators against ONNX's own node cases, through the importer: types and shapes exact,
// elements within the tolerance that ONNX's runner uses.
#include <gtest/gtest.h>

#include <filesystem>
#include <iostream>

#include "graph/ops/infer.h"
#include "graph/reference/reference.h"
#include "onnx_node_cases.h"

namespace tenwatt::graph {
namespace {

namespace fs = std::filesystem;
using material::NodeCase;

using Prepare = Status (*)(NodeCase&);

Status as_imported(NodeCase&) { return {}; }

/// evaluate() checks every computed extent against the inferred one.
Status with_shapes(NodeCase& read) {
  material::fix_integer_inputs(read);
  return infer_shapes(read.graph);
}

Status run_case(const fs::path& folder, Prepare prepare) {
  NodeCase read = TENWATT_TRY(material::read_node_case(folder));
  TENWATT_TRY(prepare(read));
  auto actual = TENWATT_TRY(evaluate(read.graph, read.inputs));
  for (size_t i = 0; i < read.outputs.size(); ++i) {
    const std::string& name = read.graph.value(read.graph.outputs[i]).name;
    const std::string wrong = material::difference(actual.at(name), read.outputs[i]);
    if (!wrong.empty()) return fail(ErrorCode::kInternal, name + " is " + wrong);
  }
  return {};
}

void run_cases(const std::vector<std::string>& names, Prepare prepare) {
  const fs::path folder = material::node_case_folder();
  if (!fs::exists(folder)) {
    GTEST_SKIP() << "TENWATT_TEST_ONNX_NODE names no folder with ONNX's node cases";
  }
  size_t passed = 0;
  for (const std::string& name : names) {
    ASSERT_TRUE(fs::exists(folder / name)) << name;
    Status status = run_case(folder / name, prepare);
    EXPECT_TRUE(status) << name << ": " << status.error().message;
    if (status) ++passed;
  }
  std::cout << passed << " of " << names.size() << " node cases passed\n";
}

void run_all(Prepare prepare) {
  const std::vector<std::string> names = material::listed_node_cases();
  if (names.empty()) GTEST_SKIP() << "no list of cases at " << material::shared("");
  EXPECT_GE(names.size(), 396U);
  run_cases(names, prepare);
}

TEST(OnnxNodeCases, EveryCoreAndCommonCase) { run_all(as_imported); }

/// The cases of quantised operators over 8- and 16-bit integers; the others store floats of 8 bits
/// or integers of 2 and 4.
TEST(OnnxNodeCases, QuantisedOperators) {
  std::vector<std::string> names;
  for (const std::string_view name : {"convinteger_with_padding",
                                      "convinteger_without_padding",
                                      "dequantizelinear",
                                      "dequantizelinear_axis",
                                      "dequantizelinear_blocked",
                                      "dequantizelinear_int16",
                                      "dequantizelinear_uint16",
                                      "dynamicquantizelinear",
                                      "dynamicquantizelinear_expanded",
                                      "dynamicquantizelinear_max_adjusted",
                                      "dynamicquantizelinear_max_adjusted_expanded",
                                      "dynamicquantizelinear_min_adjusted",
                                      "dynamicquantizelinear_min_adjusted_expanded",
                                      "matmulinteger",
                                      "qlinearconv",
                                      "qlinearmatmul_2D_int8_float16",
                                      "qlinearmatmul_2D_int8_float32",
                                      "qlinearmatmul_2D_uint8_float16",
                                      "qlinearmatmul_2D_uint8_float32",
                                      "qlinearmatmul_3D_int8_float16",
                                      "qlinearmatmul_3D_int8_float32",
                                      "qlinearmatmul_3D_uint8_float16",
                                      "qlinearmatmul_3D_uint8_float32",
                                      "quantizelinear",
                                      "quantizelinear_axis",
                                      "quantizelinear_blocked_asymmetric",
                                      "quantizelinear_blocked_symmetric",
                                      "quantizelinear_int16",
                                      "quantizelinear_uint16"}) {
    names.push_back("test_" + std::string(name));
  }
  run_cases(names, with_shapes);
}

TEST(OnnxNodeCases, MaxPool) {
  std::vector<std::string> names;
  for (const std::string_view name :
       {"1d_default", "2d_ceil", "2d_ceil_output_size_reduce_by_one", "2d_default", "2d_dilations",
        "2d_pads", "2d_precomputed_pads", "2d_precomputed_same_upper", "2d_precomputed_strides",
        "2d_same_lower", "2d_same_upper", "2d_strides", "2d_uint8", "3d_default", "3d_dilations",
        "with_argmax_2d_precomputed_pads", "with_argmax_2d_precomputed_strides"}) {
    names.push_back("test_maxpool_" + std::string(name));
  }
  run_cases(names, with_shapes);
}

TEST(OnnxNodeCases, InferredShapesHoldInEveryCase) { run_all(with_shapes); }

}  // namespace
}  // namespace tenwatt::graph
