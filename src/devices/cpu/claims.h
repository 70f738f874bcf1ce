// The CPU's answers to "can you run this node": a Yes with the kernel's name and a simple estimate,
// or a No with what would help. Not a cost model: rates are nominal.
#pragma once

#include "devices/cpu/setup.h"
#include "devices/interface/device.h"

namespace tenwatt::cpu {

devices::Claim claim_node(const graph::Graph& graph, const graph::Node& node, const Setup& setup);

}  // namespace tenwatt::cpu
