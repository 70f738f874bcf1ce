// The declared type of an ONNX value to ours, with its dynamic extents as symbols.
#pragma once

#include "base/result.h"
#include "graph/ir/graph.h"

namespace onnx {
class ValueInfoProto;
}

namespace tenwatt::exchange {

/// Adds the symbols it needs to `graph`; kUnsupported for values that are not tensors of a known
/// rank in one of our formats.
Result<graph::Type> import_type(const onnx::ValueInfoProto& info, graph::Graph& graph);

}  // namespace tenwatt::exchange
