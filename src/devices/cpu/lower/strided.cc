#include "devices/cpu/lower/strided.h"

#include <algorithm>

namespace tenwatt::cpu {

Shape contiguous_strides(std::span<const int64_t> shape) {
  Shape strides(shape.size());
  int64_t step = 1;
  for (size_t axis = shape.size(); axis-- > 0;) {
    strides[axis] = step;
    step *= shape[axis];
  }
  return strides;
}

std::optional<Shape> broadcast_strides(std::span<const int64_t> shape,
                                       std::span<const int64_t> out) {
  if (shape.size() > out.size()) return std::nullopt;
  const size_t missing = out.size() - shape.size();
  const Shape own = contiguous_strides(shape);
  Shape strides(out.size(), 0);
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    const int64_t extent = out[axis + missing];
    if (shape[axis] == extent) {
      strides[axis + missing] = own[axis];
    } else if (shape[axis] != 1) {
      return std::nullopt;
    }
  }
  return strides;
}

std::optional<StridedLoop> StridedLoop::make(std::span<const int64_t> extents,
                                             std::span<const Shape> strides) {
  if (strides.size() > kMaxOperands) return std::nullopt;
  StridedLoop loop;
  loop.elements_ = tenwatt::elements(extents);
  for (size_t axis = 0; axis < extents.size(); ++axis) {
    if (extents[axis] == 1) continue;
    Offsets steps{};
    for (size_t i = 0; i < strides.size(); ++i) steps[i] = strides[i][axis];
    bool merges = loop.axes_ > 0;
    for (size_t i = 0; i < strides.size() && merges; ++i) {
      merges = loop.strides_[loop.axes_ - 1][i] == steps[i] * extents[axis];
    }
    if (merges) {
      loop.extents_[loop.axes_ - 1] *= extents[axis];
      loop.strides_[loop.axes_ - 1] = steps;
      continue;
    }
    if (loop.axes_ == kMaxAxes) return std::nullopt;
    loop.extents_[loop.axes_] = extents[axis];
    loop.strides_[loop.axes_] = steps;
    ++loop.axes_;
  }
  if (loop.axes_ == 0) {  // one element
    loop.axes_ = 1;
    loop.extents_[0] = 1;
    loop.strides_[0].fill(1);
  }
  return loop;
}

StridedLoop::Offsets StridedLoop::offsets_at(int64_t element) const {
  Offsets offsets{};
  for (size_t axis = axes_; axis-- > 0 && element > 0;) {
    const int64_t index = element % extents_[axis];
    element /= extents_[axis];
    for (size_t i = 0; i < kMaxOperands; ++i) offsets[i] += index * strides_[axis][i];
  }
  return offsets;
}

}  // namespace tenwatt::cpu
