// Lines of a tensor: the elements along some of its axes at fixed indices of the others. Kernels
// over rows serve any axes by gathering lines into rows first, a few neighbouring lines at a time.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "devices/cpu/lower/strided.h"

namespace tenwatt::cpu {

class Lines {
 public:
  /// Lines along `axes` (each in [0, rank), ascending), in row-major order of the other axes.
  /// nullopt if the axes don't merge into few enough.
  static std::optional<Lines> make(const Shape& shape, const std::vector<size_t>& axes);

  int64_t count() const { return count_; }
  int64_t length() const { return length_; }
  /// True if lines are rows of memory already.
  bool contiguous() const { return contiguous_; }
  /// Lines that are gathered at once, and the memory that their rows take; no memory where lines
  /// are contiguous.
  int64_t block() const;
  size_t scratch_bytes(size_t element_bytes) const;

  /// Lines [first, first + n) of `from` as rows: in place, or copied to `scratch`.
  const std::byte* read(const std::byte* from, size_t element_bytes, int64_t first, int64_t n,
                        std::byte* scratch) const;
  /// Copies rows back to lines [first, first + n) of `to`.
  void write(const std::byte* rows, size_t element_bytes, int64_t first, int64_t n,
             std::byte* to) const;
  /// Where line `first`'s row begins in memory, for contiguous lines.
  size_t offset(int64_t first, size_t element_bytes) const {
    return static_cast<size_t>(first * length_) * element_bytes;
  }

 private:
  static constexpr int64_t kBlock = 16;
  using Bases = std::array<int64_t, kBlock>;
  Bases bases(int64_t first, int64_t n) const;

  StridedLoop outer_;
  StridedLoop inner_;
  int64_t count_ = 0;
  int64_t length_ = 0;
  bool contiguous_ = false;
};

}  // namespace tenwatt::cpu
