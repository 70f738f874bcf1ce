// Loops over tensors of different strides in lock step: broadcasting, transposing, slicing. Axes
// that are contiguous in every operand are merged first, so most loops become one long row.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "numbers/tensor.h"

namespace tenwatt::cpu {

/// Row-major strides in elements.
Shape contiguous_strides(std::span<const int64_t> shape);

/// Strides with which `shape` walks an output of `out` extents: 0 on axes that are broadcast.
/// nullopt if the shapes don't broadcast.
std::optional<Shape> broadcast_strides(std::span<const int64_t> shape,
                                       std::span<const int64_t> out);

inline constexpr size_t kMaxOperands = 4;
inline constexpr size_t kMaxAxes = 8;

/// A loop nest over at most kMaxAxes merged axes and kMaxOperands operands.
class StridedLoop {
 public:
  using Offsets = std::array<int64_t, kMaxOperands>;

  /// `strides[i]` are operand i's, one per axis of `extents`. nullopt if too many axes remain.
  static std::optional<StridedLoop> make(std::span<const int64_t> extents,
                                         std::span<const Shape> strides);

  int64_t elements() const { return elements_; }
  /// Length of the innermost axis and the operands' strides along it.
  int64_t inner() const { return extents_[axes_ - 1]; }
  int64_t inner_stride(size_t operand) const { return strides_[axes_ - 1][operand]; }

  /// Calls visit(offsets, count) for the pieces of rows that make up elements [begin, end) of the
  /// loop in row-major order; offsets are in elements of each operand.
  template <class Visit>
  void visit(int64_t begin, int64_t end, Visit&& visit) const {
    while (begin < end) {
      const int64_t in_row = begin % inner();
      const int64_t count = std::min(inner() - in_row, end - begin);
      visit(offsets_at(begin), count);
      begin += count;
    }
  }

 private:
  Offsets offsets_at(int64_t element) const;

  size_t axes_ = 0;
  int64_t elements_ = 0;
  std::array<int64_t, kMaxAxes> extents_{};
  std::array<Offsets, kMaxAxes> strides_{};
};

}  // namespace tenwatt::cpu
