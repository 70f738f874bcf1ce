#include "devices/cpu/lower/lines.h"

#include <algorithm>
#include <array>
#include <bit>

namespace tenwatt::cpu {
namespace {

/// Calls move(element of the tensor, element of the rows) for every element of the given lines.
template <class Move>
void for_elements(const StridedLoop& inner, std::span<const int64_t> bases, int64_t length,
                  Move move) {
  int64_t position = 0;
  inner.visit(0, length, [&](const StridedLoop::Offsets& at, int64_t n) {
    for (int64_t i = 0; i < n; ++i, ++position) {
      const int64_t offset = at[0] + i * inner.inner_stride(0);
      for (size_t line = 0; line < bases.size(); ++line) {
        move(bases[line] + offset, static_cast<int64_t>(line) * length + position);
      }
    }
  });
}

template <class T>
void gather(const StridedLoop& inner, std::span<const int64_t> bases, int64_t length,
            const std::byte* from, std::byte* to) {
  const T* source = reinterpret_cast<const T*>(from);
  T* rows = reinterpret_cast<T*>(to);
  for_elements(inner, bases, length, [=](int64_t at, int64_t row) { rows[row] = source[at]; });
}

template <class T>
void scatter(const StridedLoop& inner, std::span<const int64_t> bases, int64_t length,
             const std::byte* from, std::byte* to) {
  const T* rows = reinterpret_cast<const T*>(from);
  T* target = reinterpret_cast<T*>(to);
  for_elements(inner, bases, length, [=](int64_t at, int64_t row) { target[at] = rows[row]; });
}

}  // namespace

std::optional<Lines> Lines::make(const Shape& shape, const std::vector<size_t>& axes) {
  const Shape strides = contiguous_strides(shape);
  Shape kept;
  Shape line;
  Shape kept_strides;
  Shape line_strides;
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    const bool along = std::ranges::find(axes, axis) != axes.end();
    (along ? line : kept).push_back(shape[axis]);
    (along ? line_strides : kept_strides).push_back(strides[axis]);
  }
  const auto outer = StridedLoop::make(kept, {&kept_strides, 1});
  const auto inner = StridedLoop::make(line, {&line_strides, 1});
  if (!outer || !inner) return std::nullopt;
  Lines lines;
  lines.outer_ = *outer;
  lines.inner_ = *inner;
  lines.count_ = elements(kept);
  lines.length_ = elements(line);
  lines.contiguous_ = true;
  for (size_t i = 0; i < axes.size(); ++i) {
    // Axes of one element have no place in memory.
    const bool trailing =
        elements(std::span(shape).subspan(axes[i])) == elements(std::span(line).subspan(i));
    lines.contiguous_ = lines.contiguous_ && trailing;
  }
  return lines;
}

int64_t Lines::block() const { return contiguous_ ? std::max<int64_t>(count_, 1) : kBlock; }

size_t Lines::scratch_bytes(size_t element_bytes) const {
  if (contiguous_) return 0;
  return static_cast<size_t>(std::min(kBlock, count_) * length_) * element_bytes;
}

Lines::Bases Lines::bases(int64_t first, int64_t n) const {
  Bases found{};
  size_t line = 0;
  outer_.visit(first, first + n, [&](const StridedLoop::Offsets& at, int64_t count) {
    for (int64_t i = 0; i < count; ++i) found[line++] = at[0] + i * outer_.inner_stride(0);
  });
  return found;
}

const std::byte* Lines::read(const std::byte* from, size_t element_bytes, int64_t first, int64_t n,
                             std::byte* scratch) const {
  if (contiguous_) return from + offset(first, element_bytes);
  constexpr std::array kGather = {gather<uint8_t>, gather<uint16_t>, gather<uint32_t>,
                                  gather<uint64_t>};
  const size_t width = static_cast<size_t>(std::countr_zero(element_bytes));
  const Bases found = bases(first, n);
  kGather[width](inner_, std::span(found).first(static_cast<size_t>(n)), length_, from, scratch);
  return scratch;
}

void Lines::write(const std::byte* rows, size_t element_bytes, int64_t first, int64_t n,
                  std::byte* to) const {
  constexpr std::array kScatter = {scatter<uint8_t>, scatter<uint16_t>, scatter<uint32_t>,
                                   scatter<uint64_t>};
  const size_t width = static_cast<size_t>(std::countr_zero(element_bytes));
  const Bases found = bases(first, n);
  kScatter[width](inner_, std::span(found).first(static_cast<size_t>(n)), length_, rows, to);
}

}  // namespace tenwatt::cpu
