#include "devices/cpu/lower/lower.h"

#include <algorithm>
#include <array>

#include "devices/cpu/lower/convolution.h"

namespace tenwatt::cpu {
namespace {

using Family = std::span<const OperatorRow> (*)();

/// The families that have kernels of this device's own.
constexpr Family kFamilies[] = {
    alias_operators,           movement_operators,
    elementwise_operators,     broadcast_operators,
    reduction_operators,       matmul_operators,
    convolution_operators,     linear_operators,
    sequence_operators,        attention_operators,
    recurrent_operators,       quantise_operators,
    integer_product_operators, integer_convolution_operators,
    pooling_operators,         indexing_operators,
    conditional_operators,
};

std::optional<std::vector<int64_t>> integer_elements(const Tensor& tensor) {
  const auto widen = [](auto values) { return std::vector<int64_t>(values.begin(), values.end()); };
  switch (tensor.format()) {
    case Format::kI64:
      return widen(tensor.values<int64_t>());
    case Format::kI32:
      return widen(tensor.values<int32_t>());
    case Format::kBool:
      return widen(tensor.values<uint8_t>());
    default:
      return std::nullopt;
  }
}

}  // namespace

std::optional<std::vector<int64_t>> LowerInput::integers(graph::ValueId id) const {
  const graph::Value& value = graph.value(id);
  if (value.constant) return integer_elements(*value.constant);
  if (!value.known) return std::nullopt;
  std::vector<int64_t> numbers;
  for (const graph::Dim& dim : *value.known) {
    auto number = dim.evaluate(bindings);
    if (!number) return std::nullopt;
    numbers.push_back(*number);
  }
  return numbers;
}

std::optional<float> LowerInput::scalar(graph::ValueId id) const {
  const auto& constant = graph.value(id).constant;
  if (!constant || constant->format() != Format::kF32 || constant->count() != 1) {
    return std::nullopt;
  }
  return constant->values<float>()[0];
}

const OperatorRow* find_operator(std::string_view op) {
  for (Family family : kFamilies) {
    const auto rows = family();
    const auto row = std::ranges::find(rows, op, &OperatorRow::op);
    if (row != rows.end()) return &*row;
  }
  return nullptr;
}

std::vector<std::string_view> lowered_operators() {
  std::vector<std::string_view> names;
  for (Family family : kFamilies) {
    for (const OperatorRow& row : family()) names.push_back(row.op);
  }
  return names;
}

Result<Lowered> lower_node(const LowerInput& input) {
  if (is_joined_convolution(input.node)) return lower_joined_convolution(input);
  if (const OperatorRow* row = find_operator(input.node.op)) {
    auto lowered = TENWATT_TRY(row->lower(input));
    if (lowered) return std::move(*lowered);
    auto widened = TENWATT_TRY(lower_widened(input));
    if (widened) return std::move(*widened);
  }
  return lower_reference(input);
}

}  // namespace tenwatt::cpu
