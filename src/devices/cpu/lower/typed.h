// Elements of any scalar format, as lowerings hand them to kernels.
#pragma once

#include <optional>

#include "devices/cpu/kernels/table.h"
#include "devices/cpu/lower/lower.h"

namespace tenwatt::cpu {

/// The kernels' name of a scalar format; nullopt for 16-bit floats (lower/widened.cc) and blocks.
std::optional<Element> element_of(Format format);

inline bool is_float(Element type) { return type == Element::kF32 || type == Element::kF64; }

/// The product by the fastest kernel that takes its type and strides. `scratch` holds
/// matmul_scratch_floats(k) floats where b is transposed (b_row 1), else it may be null.
void multiply(const KernelTable& kernels, const Product& product, float* scratch);

/// y[i] += *x for i in [0, n).
void add_to_all(const KernelTable& kernels, Element type, const std::byte* x, std::byte* y,
                int64_t n);

/// An axis in [0, rank); nullopt where it is none.
inline std::optional<size_t> axis_of(int64_t axis, size_t rank) {
  const int64_t extent = static_cast<int64_t>(rank);
  if (axis < -extent || axis >= extent) return std::nullopt;
  return static_cast<size_t>(axis < 0 ? axis + extent : axis);
}

}  // namespace tenwatt::cpu
