// The value of an ONNX Constant node, in whichever attribute it is written.
#pragma once

#include <string>

#include "base/result.h"
#include "numbers/tensor.h"

namespace onnx {
class NodeProto;
}

namespace tenwatt::exchange {

/// Moves the tensor out of `node`, which has one output if this succeeds.
Result<Tensor> take_constant(onnx::NodeProto& node, const std::string& folder);

}  // namespace tenwatt::exchange
