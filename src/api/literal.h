// Small tensors written as text, for inputs that are numbers rather than files.
#pragma once

#include <cstddef>
#include <string>

#include "base/result.h"
#include "numbers/tensor.h"

namespace tenwatt {

/// "16000", "1.5,-2", "true": a scalar for rank 0, a vector for rank 1. kInvalidArgument for
/// another rank, and for text that is no number of the format.
Result<Tensor> parse_literal(const std::string& text, Format format, size_t rank);

}  // namespace tenwatt
