// Convolutions that the fast forms over time don't take.
#pragma once

#include "devices/cpu/lower/grid.h"
#include "devices/cpu/lower/lower.h"

namespace tenwatt::cpu {

/// Conv (sums into the small grid) or ConvTranspose of one to three spatial axes, f32 or f64, any
/// groups, strides, dilations and padding, weights constant or computed.
Result<std::optional<Lowered>> lower_any_convolution(const LowerInput& input, GridAxis::Sums sums);

}  // namespace tenwatt::cpu
