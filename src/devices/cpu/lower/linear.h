// Packed matrices, as the steps that multiply by weights share them.
#pragma once

#include <optional>

#include "devices/cpu/kernels/table.h"
#include "devices/cpu/lower/lower.h"

namespace tenwatt::cpu {

/// A weight matrix [outputs, k] in panels of 16 rows.
struct PanelMatrix {
  const std::byte* panels = nullptr;
  std::optional<BlockFormat> block;        ///< set for block formats
  FloatFormat floats = FloatFormat::kF32;  ///< else
  int64_t outputs = 0;
  int64_t k = 0;
};

/// The packed form of a constant input; nullopt if it is no constant or was not packed as panels.
std::optional<PanelMatrix> panel_matrix(const LowerInput& input, size_t index);

/// y[rows, outputs] = x W^T + bias for panels [begin, end).
void multiply_floats(const KernelTable& kernels, const PanelMatrix& w, const float* x, int64_t rows,
                     const float* bias, float* y, int64_t begin, int64_t end);
void multiply_blocks(const KernelTable& kernels, const PanelMatrix& w, const QuantBlock* x,
                     int64_t rows, const float* bias, float* y, int64_t begin, int64_t end);

}  // namespace tenwatt::cpu
