// Recorded cases of operators (tests/reference/data/*.json) as nodes and tensors.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "graph/reference/reference.h"

namespace tenwatt::graph {

inline nlohmann::json read_recorded(const std::string& file) {
  std::ifstream stream(std::string(TENWATT_SOURCE_DIR) + "/tests/reference/data/" + file);
  return nlohmann::json::parse(stream);
}

/// {"format", "shape", and "values" or "bytes" in hexadecimal}.
inline Tensor recorded_tensor(const nlohmann::json& json) {
  Format format = *format_by_name(json.at("format").get<std::string>());
  Shape shape = json.at("shape").get<Shape>();
  if (!json.contains("bytes") && format == Format::kF32) {
    auto values = json.at("values").get<std::vector<float>>();
    return Tensor::of(std::span<const float>(values), shape);
  }
  if (!json.contains("bytes")) {
    auto values = json.at("values").get<std::vector<int32_t>>();
    return Tensor::of(std::span<const int32_t>(values), shape);
  }
  auto hex = json.at("bytes").get<std::string>();
  Tensor tensor = Tensor::create(format, std::move(shape)).value();
  std::span<std::byte> to = tensor.mutable_bytes();
  EXPECT_EQ(to.size() * 2, hex.size());
  for (size_t i = 0; i < to.size(); ++i) {
    to[i] = static_cast<std::byte>(std::stoi(hex.substr(2 * i, 2), nullptr, 16));
  }
  return tensor;
}

inline std::vector<ReferenceInput> recorded_inputs(const nlohmann::json& json) {
  std::vector<ReferenceInput> inputs;
  for (const nlohmann::json& input : json.at("inputs")) {
    inputs.push_back(input.is_null() ? ReferenceInput() : recorded_tensor(input));
  }
  return inputs;
}

inline Attribute recorded_attribute(const nlohmann::json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number_float()) return value.get<float>();
  if (value.is_number()) return value.get<int64_t>();
  if (value.at(0).is_string()) return value.get<std::vector<std::string>>();
  if (value.at(0).is_number_float()) return value.get<std::vector<float>>();
  return value.get<std::vector<int64_t>>();
}

inline Node recorded_node(const nlohmann::json& json, size_t outputs) {
  Node node;
  node.op = json.at("op").get<std::string>();
  for (size_t i = 0; i < outputs; ++i) node.outputs.push_back(static_cast<ValueId>(i));
  for (const auto& [key, value] : json.at("attributes").items()) {
    node.attributes[key] = recorded_attribute(value);
  }
  return node;
}

/// The largest magnitude that is finite.
inline double largest_of(std::span<const double> values) {
  double largest = 0;
  for (double value : values) {
    if (std::isfinite(value)) largest = std::max(largest, std::abs(value));
  }
  return largest;
}

}  // namespace tenwatt::graph
