// The shapes of products, which the float and the integer forms of an operator share. Internal to
// this folder.
#pragma once

#include "graph/ops/inference.h"

namespace tenwatt::graph {

/// MatMul of inputs `a` and `b` by numpy's rules; vectors are a row and a column.
Result<Dims> product_shape(Inference& in, size_t a, size_t b);

/// Conv of input `x` [batch, channels, ...] by `w` [out, channels / group, ...] under the node's
/// attributes.
Result<Dims> convolution_shape(Inference& in, size_t x, size_t w);

}  // namespace tenwatt::graph
