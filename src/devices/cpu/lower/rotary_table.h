// Cosines and sines of rotary embeddings, shared by all layers of a model that use the same
// frequencies. The table adds angles (a position is so many strides and a rest), which asks for few
// cosines where a model opens; positions beyond it are computed when they are needed.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace tenwatt::cpu {

class RotaryTable {
 public:
  /// `factors` divides the frequencies (empty: ones); theta_i = position * scale *
  /// base^(-2i / rotary_dim) / factors_i, in double (arXiv 2104.09864).
  static std::shared_ptr<const RotaryTable> get(float base, float scale, int64_t rotary_dim,
                                                std::span<const float> factors);

  /// Cosines [rotary_dim / 2] of a position and, right behind them, sines. `scratch` holds
  /// rotary_dim floats and is used for positions outside the table.
  const float* row(int64_t position, float* scratch) const;

  static constexpr int64_t kPositions = 4096;

 private:
  static constexpr int64_t kStride = 64;

  void compute(int64_t position, float* out) const;
  void fill();

  std::vector<double> frequencies_;
  std::vector<float> rows_;
};

}  // namespace tenwatt::cpu
