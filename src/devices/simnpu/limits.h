// What the simulated NPU can run: a short list of operators on f32 values of fixed shapes, with
// constant weights. Every refusal says what about the node is in the way and what would help.
#pragma once

#include "devices/interface/device.h"

namespace tenwatt::simnpu {

/// The refusal of a node, or nullopt if the device can run it.
std::optional<devices::No> refusal(const graph::Graph& graph, const graph::Node& node);

}  // namespace tenwatt::simnpu
