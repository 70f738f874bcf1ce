// Packed matrices and quantised activations, as the steps that multiply by weights share them.
#pragma once

#include <algorithm>
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

/// Rows of activations as int8 blocks. Few are quantised by every member for itself (no barrier),
/// many in shares with one barrier; the blocks are the same.
class Activations {
 public:
  Activations(int64_t rows, int64_t k);
  size_t bytes() const { return bytes_; }
  size_t private_bytes() const { return private_ ? bytes_ : 0; }
  size_t shared_bytes() const { return private_ ? 0 : bytes_; }
  /// The blocks of x [rows, k]; null if the run was cancelled in the barrier.
  const QuantBlock* quantise(const KernelTable& kernels, const StepContext& context, const float* x,
                             std::byte* private_memory, std::byte* shared_memory) const;

 private:
  int64_t rows_;
  int64_t k_;
  bool private_;
  size_t bytes_;
};

}  // namespace tenwatt::cpu
