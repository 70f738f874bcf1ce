// Operators of older opsets in the forms of opset 18, so that everything behind the importer knows
// one form: what used to be an attribute is an input, and changed defaults are written out.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "graph/ir/graph.h"

namespace tenwatt::exchange {

/// Whether modernise knows an operator, possibly by a name that is out of use.
bool is_older_operator(std::string_view op);

/// Rewrites `node`, which is not in `graph` yet and came from a model of `opset`; may add constants
/// and nodes to `graph`. kUnsupported for operators whose old meaning has no form today.
Status modernise(graph::Graph& graph, graph::Node& node, int64_t opset);

}  // namespace tenwatt::exchange
