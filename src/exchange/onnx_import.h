// ONNX models to our graph. Operators keep ONNX's meaning, in the forms of opset 18; values and
// nodes keep their names. Nothing is optimised or inferred here: that is graph/'s business.
#pragma once

#include <string>

#include "base/result.h"
#include "files/onnx.h"
#include "graph/ir/graph.h"

namespace tenwatt::exchange {

/// Imports a model file of opset 7 to 28.
///
/// Initializers and Constant nodes become constants. A dynamic extent of an input becomes a symbol
/// with the bounds 1 to 2^20, named by its dim_param (the same name is the same symbol) or
/// "<input>_<axis>". The graphs that a node holds (If, Loop) become attributes; outer values they
/// read are listed in the node's string list `captures`, appended to its inputs in that order, and
/// are the last inputs of each of the graphs. Outer constants are copied into them (the bytes are
/// shared). The result is normalised.
///
/// Errors: kNotFound, kCorrupt, kUnsupported (functions, operators outside ai.onnx, strings,
/// sequences, sparse tensors) naming the node or value.
Result<graph::Graph> import_onnx(const std::string& path);

/// The same for a model in memory, whose tensors are moved out of it.
Result<graph::Graph> import_onnx(files::OnnxModel model);

}  // namespace tenwatt::exchange
