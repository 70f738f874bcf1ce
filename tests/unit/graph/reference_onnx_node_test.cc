// The operators against ONNX's own node cases, through the importer: types and shapes exact,
// elements within the tolerance that ONNX's runner uses.
//
// The cases are the folder `onnx/backend/test/data/node` of the onnx 1.22.0 wheel; the environment
// variable TENWATT_TEST_ONNX_NODE names it. ../shared/data/onnx/node_cases.tsv (or TENWATT_SHARED)
// lists those that use operators of the house only.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "exchange/onnx_import.h"
#include "files/onnx.h"
#include "graph/ops/infer.h"
#include "graph/reference/reference.h"
#include "material.h"

namespace tenwatt::graph {
namespace {

namespace fs = std::filesystem;

/// Names of the cases with tag `core` or `common`.
std::vector<std::string> listed_cases() {
  std::ifstream file(material::shared("data/onnx/node_cases.tsv"));
  std::vector<std::string> names;
  for (std::string line; std::getline(file, line);) {
    std::istringstream fields(line);
    std::string name, opset, kinds, dtypes, tag;
    for (std::string* field : {&name, &opset, &kinds, &dtypes, &tag}) {
      std::getline(fields, *field, '\t');
    }
    if (tag == "core" || tag == "common") names.push_back(name);
  }
  return names;
}

/// Tensors PREFIX_0.pb, PREFIX_1.pb, ... of a data set.
Result<std::vector<Tensor>> tensors_of(const fs::path& folder, const std::string& prefix) {
  std::vector<Tensor> tensors;
  while (true) {
    fs::path path = folder / (prefix + "_" + std::to_string(tensors.size()) + ".pb");
    if (!fs::exists(path)) return tensors;
    tensors.push_back(TENWATT_TRY(files::read_onnx_tensor(path.string())));
  }
}

bool close(double actual, double expected) {
  if (std::isnan(expected)) return std::isnan(actual);
  if (std::isinf(expected)) return actual == expected;
  return std::abs(actual - expected) <= 1e-7 + 1e-3 * std::abs(expected);
}

template <class T>
double element(const Tensor& tensor, size_t index) {
  return static_cast<double>(tensor.values<T>()[index]);
}

double element(const Tensor& tensor, size_t index) {
  if (tensor.format() == Format::kF16) return f16_to_f32(tensor.values<uint16_t>()[index]);
  if (tensor.format() == Format::kF64) return element<double>(tensor, index);
  return element<float>(tensor, index);
}

Status compare(const std::string& name, const Tensor& actual, const Tensor& expected) {
  if (actual.format() != expected.format() || actual.shape() != expected.shape()) {
    return fail(ErrorCode::kInternal, name + " is " + std::string(info(actual.format()).name) +
                                          " " + to_string(actual.shape()) + ", not " +
                                          std::string(info(expected.format()).name) + " " +
                                          to_string(expected.shape()));
  }
  if (info(expected.format()).kind != FormatKind::kFloat) {
    if (std::ranges::equal(actual.bytes(), expected.bytes())) return {};
    return fail(ErrorCode::kInternal, name + " differs");
  }
  for (size_t i = 0; i < static_cast<size_t>(expected.count()); ++i) {
    if (close(element(actual, i), element(expected, i))) continue;
    return fail(ErrorCode::kInternal, name + " differs at " + std::to_string(i) + ": " +
                                          std::to_string(element(actual, i)) + ", not " +
                                          std::to_string(element(expected, i)));
  }
  return {};
}

/// One data set of a case, by value name.
struct Case {
  Graph graph;
  std::map<std::string, Tensor> inputs;
  std::vector<Tensor> outputs;
};

Result<Case> read_case(const fs::path& folder) {
  Case read;
  read.graph = TENWATT_TRY(exchange::import_onnx((folder / "model.onnx").string()));
  fs::path data = folder / "test_data_set_0";
  std::vector<Tensor> inputs = TENWATT_TRY(tensors_of(data, "input"));
  read.outputs = TENWATT_TRY(tensors_of(data, "output"));
  if (inputs.size() != read.graph.inputs.size() ||
      read.outputs.size() != read.graph.outputs.size()) {
    return fail(ErrorCode::kInternal, "the graph has other inputs or outputs than the case");
  }
  for (size_t i = 0; i < inputs.size(); ++i) {
    read.inputs[read.graph.value(read.graph.inputs[i]).name] = inputs[i];
  }
  return read;
}

using Prepare = Status (*)(Case&);

Status as_imported(Case&) { return {}; }

/// Small integer inputs become constants, because shapes may depend on them; then evaluate() checks
/// every computed extent against the inferred one.
Status with_shapes(Case& read) {
  Graph& graph = read.graph;
  std::erase_if(graph.inputs, [&](ValueId id) {
    Value& value = graph.value(id);
    auto input = read.inputs.find(value.name);
    if (input->second.format() != Format::kI64 && input->second.format() != Format::kI32) {
      return false;
    }
    value.constant = input->second;
    read.inputs.erase(input);
    return true;
  });
  return infer_shapes(graph);
}

Status run_case(const fs::path& folder, Prepare prepare) {
  Case read = TENWATT_TRY(read_case(folder));
  TENWATT_TRY(prepare(read));
  auto actual = TENWATT_TRY(evaluate(read.graph, read.inputs));
  for (size_t i = 0; i < read.outputs.size(); ++i) {
    const std::string& name = read.graph.value(read.graph.outputs[i]).name;
    TENWATT_TRY(compare(name, actual.at(name), read.outputs[i]));
  }
  return {};
}

void run_cases(const std::vector<std::string>& names, Prepare prepare) {
  const char* folder = std::getenv("TENWATT_TEST_ONNX_NODE");
  if (folder == nullptr || !fs::exists(folder)) {
    GTEST_SKIP() << "TENWATT_TEST_ONNX_NODE names no folder with ONNX's node cases";
  }
  size_t passed = 0;
  for (const std::string& name : names) {
    ASSERT_TRUE(fs::exists(fs::path(folder) / name)) << name;
    Status status = run_case(fs::path(folder) / name, prepare);
    EXPECT_TRUE(status) << name << ": " << status.error().message;
    if (status) ++passed;
  }
  std::cout << passed << " of " << names.size() << " node cases passed\n";
}

void run_all(Prepare prepare) {
  const std::vector<std::string> names = listed_cases();
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
