// The table of operators: one row each, with how many inputs and outputs it takes and how its
// outputs' types follow from its inputs'. Adding an operator is adding a row and its function.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "graph/ops/inference.h"

namespace tenwatt::graph {

inline constexpr size_t kAnyNumber = SIZE_MAX;

struct Schema {
  std::string_view op;
  size_t min_inputs;
  size_t max_inputs;
  size_t max_outputs;
  Status (*infer)(Inference&);
};

/// The row of an operator, or null if the house does not know it.
const Schema* find_schema(std::string_view op);
/// Whether an operator is one of ours (own_operators.md), which means something else than the ONNX
/// operator of the same name, if there is one.
bool is_own_operator(std::string_view op);
/// For each input of a branch of an If node, the index of the node's input that it captures.
Result<std::vector<size_t>> captured_inputs(const Node& node, const Graph& branch);

/// All rows, by name.
std::span<const Schema* const> all_schemas();

// One list per file of this folder.
std::span<const Schema> control_schemas();
std::span<const Schema> elementwise_schemas();
std::span<const Schema> indexing_schemas();
std::span<const Schema> layout_schemas();
std::span<const Schema> linear_schemas();
std::span<const Schema> movement_schemas();
std::span<const Schema> pooling_schemas();
std::span<const Schema> quantised_schemas();
std::span<const Schema> reduce_schemas();
std::span<const Schema> sequence_schemas();

}  // namespace tenwatt::graph
