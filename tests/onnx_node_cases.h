// ONNX's own node cases as tests of operators: which there are, one read through the importer, and
// how a computed output compares with the recorded one (types and shapes exact, floats within the
// tolerance that ONNX's runner uses).
//
// The cases are the folder `onnx/backend/test/data/node` of the onnx 1.22.0 wheel; the environment
// variable TENWATT_TEST_ONNX_NODE names it. ../shared/data/onnx/node_cases.tsv (or TENWATT_SHARED)
// lists those that use operators of the house only. A program that includes this links exchange/.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "exchange/onnx_import.h"
#include "files/onnx.h"
#include "material.h"

namespace tenwatt::material {

/// The folder of the cases; it may not be there.
inline std::filesystem::path node_case_folder() {
  return detail::folder("TENWATT_TEST_ONNX_NODE", "TENWATT_TEST_ONNX_NODE-is-not-set");
}

/// Names of the cases with tag `core` or `common`; none where the list isn't there.
inline std::vector<std::string> listed_node_cases() {
  std::ifstream file(shared("data/onnx/node_cases.tsv"));
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

/// One data set of a case: inputs by name, outputs in the graph's order.
struct NodeCase {
  graph::Graph graph;
  std::map<std::string, Tensor> inputs;
  std::vector<Tensor> outputs;
};

namespace detail {

/// Tensors PREFIX_0.pb, PREFIX_1.pb, ... of a data set.
inline Result<std::vector<Tensor>> tensors_of(const std::filesystem::path& folder,
                                              const std::string& prefix) {
  std::vector<Tensor> tensors;
  while (true) {
    const auto path = folder / (prefix + "_" + std::to_string(tensors.size()) + ".pb");
    if (!std::filesystem::exists(path)) return tensors;
    tensors.push_back(TENWATT_TRY(files::read_onnx_tensor(path.string())));
  }
}

inline double element(const Tensor& tensor, size_t index) {
  switch (tensor.format()) {
    case Format::kF16:
      return f16_to_f32(tensor.values<uint16_t>()[index]);
    case Format::kF64:
      return tensor.values<double>()[index];
    default:
      return tensor.values<float>()[index];
  }
}

inline bool close(double actual, double expected) {
  if (std::isnan(expected)) return std::isnan(actual);
  if (std::isinf(expected)) return actual == expected;
  return std::abs(actual - expected) <= 1e-7 + 1e-3 * std::abs(expected);
}

}  // namespace detail

inline Result<NodeCase> read_node_case(const std::filesystem::path& folder) {
  NodeCase read;
  read.graph = TENWATT_TRY(exchange::import_onnx((folder / "model.onnx").string()));
  const std::filesystem::path data = folder / "test_data_set_0";
  const auto inputs = TENWATT_TRY(detail::tensors_of(data, "input"));
  read.outputs = TENWATT_TRY(detail::tensors_of(data, "output"));
  if (inputs.size() != read.graph.inputs.size() ||
      read.outputs.size() != read.graph.outputs.size()) {
    return fail(ErrorCode::kInternal, "the graph has other inputs or outputs than the case");
  }
  for (size_t i = 0; i < inputs.size(); ++i) {
    read.inputs[read.graph.value(read.graph.inputs[i]).name] = inputs[i];
  }
  return read;
}

/// Integer inputs become constants, because shapes may depend on them.
inline void fix_integer_inputs(NodeCase& read) {
  std::erase_if(read.graph.inputs, [&](graph::ValueId id) {
    graph::Value& value = read.graph.value(id);
    const auto input = read.inputs.find(value.name);
    const Format format = input->second.format();
    if (format != Format::kI64 && format != Format::kI32) return false;
    value.constant = input->second;
    read.inputs.erase(input);
    return true;
  });
}

/// What is wrong with `actual`; empty if nothing.
inline std::string difference(const Tensor& actual, const Tensor& expected) {
  if (actual.format() != expected.format() || actual.shape() != expected.shape()) {
    return std::string(info(actual.format()).name) + " " + to_string(actual.shape()) + ", not " +
           std::string(info(expected.format()).name) + " " + to_string(expected.shape());
  }
  if (info(expected.format()).kind != FormatKind::kFloat) {
    return std::ranges::equal(actual.bytes(), expected.bytes()) ? "" : "other elements";
  }
  for (size_t i = 0; i < static_cast<size_t>(expected.count()); ++i) {
    const double ours = detail::element(actual, i), wanted = detail::element(expected, i);
    if (detail::close(ours, wanted)) continue;
    return std::to_string(ours) + " at " + std::to_string(i) + ", not " + std::to_string(wanted);
  }
  return "";
}

}  // namespace tenwatt::material
