// ONNX's numbers of element types, as its files and some of its operators' attributes hold them.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "numbers/format.h"

namespace tenwatt {

/// The format of a TensorProto.DataType; kUnsupported, naming the type, where there is none.
Result<Format> format_of_onnx(int64_t data_type);

}  // namespace tenwatt
