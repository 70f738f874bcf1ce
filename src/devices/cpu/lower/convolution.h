// Convolutions over one axis as the kernels take them, and the form in which a partition runs them:
// joined with the elementwise operators at their ends (kernels/table.h, ConvEnds), which then cost
// no pass over memory. Joining changes no bit.
#pragma once

#include <optional>

#include "devices/cpu/lower/lower.h"

namespace tenwatt::cpu {

/// Attributes of the spatial axis of a convolution.
struct ConvAxis {
  int64_t stride = 1;
  int64_t dilation = 1;
  int64_t pad = 0;  ///< before the first sample
};
/// nullopt where there is not just one axis, or where padding is automatic and not zero-free.
std::optional<ConvAxis> conv_axis(const graph::Node& node);

/// The graph with every Conv and ConvTranspose joined with a LeakyRelu before it and, for Conv,
/// with what follows and is used nowhere else: up to two Adds of equal shapes, a Div by a constant
/// and a Tanh. ValueIds stay; values that no node makes any more can't be tapped. None where
/// nothing joins.
Result<std::optional<graph::Graph>> join_convolutions(const graph::Graph& graph);

/// True for the operators that only join_convolutions makes.
bool is_joined_convolution(const graph::Node& node);
/// The step of such a node.
Result<Lowered> lower_joined_convolution(const LowerInput& input);

}  // namespace tenwatt::cpu
