// QuantizeLinear and DequantizeLinear: real = (stored - zero_point) * scale, per tensor, per slice
// of an axis, or per block of an axis.
#include <cmath>

#include "graph/reference/kernel.h"

namespace tenwatt::graph::reference {
namespace {

/// Which scale belongs to which element: axes before, at and after the quantised one.
struct Granularity {
  int64_t outer = 1;
  int64_t extent = 1;
  int64_t inner = 1;
  int64_t outer_stride = 0;  ///< of the scale tensor, in elements
  int64_t extent_stride = 0;
  int64_t inner_stride = 0;
  int64_t block = 1;  ///< neighbours along the axis that share a scale

  size_t scale_at(int64_t o, int64_t e, int64_t i) const {
    return static_cast<size_t>(o * outer_stride + e / block * extent_stride + i * inner_stride);
  }
};

Result<Granularity> granularity(const Node& node, const Tensor& x, const Tensor& scale) {
  Granularity grain;
  if (scale.count() == 1 && scale.rank() <= 1) {
    grain.outer = x.count();
    return grain;
  }
  int64_t axis = TENWATT_TRY(axis_in(node.integer("axis", 1), x.rank()));
  grain.outer = extent_product(x.shape(), 0, axis);
  grain.extent = x.shape()[static_cast<size_t>(axis)];
  grain.inner = extent_product(x.shape(), axis + 1, x.rank());
  grain.block = node.integer("block_size", 0);
  if (grain.block <= 0) {
    grain.block = 1;
    grain.extent_stride = 1;
    if (scale.shape() == Shape{grain.extent}) return grain;
    return invalid("scale " + to_string(scale.shape()) + " does not fit the axis");
  }
  Shape expected = x.shape();
  int64_t blocks = grain.extent / grain.block + (grain.extent % grain.block != 0 ? 1 : 0);
  expected[static_cast<size_t>(axis)] = blocks;
  if (scale.shape() != expected) return invalid("scale does not fit the blocks");
  grain.outer_stride = blocks * grain.inner;
  grain.extent_stride = grain.inner;
  grain.inner_stride = 1;
  return grain;
}

/// Calls each(element, scale index) in row-major order.
template <class Each>
void for_elements(const Granularity& grain, Each&& each) {
  size_t element = 0;
  for (int64_t o = 0; o < grain.outer; ++o) {
    for (int64_t e = 0; e < grain.extent; ++e) {
      for (int64_t i = 0; i < grain.inner; ++i) each(element++, grain.scale_at(o, e, i));
    }
  }
}

/// Zero points as numbers, one per scale; zeros where the input is absent.
Result<std::vector<double>> zero_points(const Tensor* input, const Tensor& scale) {
  if (input == nullptr) return std::vector<double>(static_cast<size_t>(scale.count()), 0.0);
  if (input->count() != scale.count()) return invalid("zero point and scale differ in shape");
  return doubles_of(*input, "zero_point");
}

Outputs dequantize(const Node& node, Inputs inputs, const ReferenceContext&) {
  const Tensor& x = *TENWATT_TRY(need(inputs, 0, "x"));
  const Tensor& scale = *TENWATT_TRY(need(inputs, 1, "x_scale"));
  Granularity grain = TENWATT_TRY(granularity(node, x, scale));
  std::vector<double> zeros = TENWATT_TRY(zero_points(maybe(inputs, 2), scale));
  std::vector<double> stored = TENWATT_TRY(doubles_of(x, "x"));
  Format format = TENWATT_TRY(format_attribute(node, "output_dtype", scale.format()));
  Tensor result = TENWATT_TRY(Tensor::create(format, x.shape()));
  if (result.count() == 0) return one(std::move(result));
  std::vector<double> scales = TENWATT_TRY(doubles_of(scale, "x_scale"));
  TENWATT_TRY(with_float(format, "y", [&]<class T>() -> Status {
    std::span<T> to = result.mutable_values<T>();
    for_elements(
        grain, [&](size_t i, size_t s) { to[i] = narrow<T>((stored[i] - zeros[s]) * scales[s]); });
    return {};
  }));
  return one(std::move(result));
}

Outputs quantize(const Node& node, Inputs inputs, const ReferenceContext&) {
  const Tensor& x = *TENWATT_TRY(need(inputs, 0, "x"));
  const Tensor& scale = *TENWATT_TRY(need(inputs, 1, "y_scale"));
  const Tensor* zero = maybe(inputs, 2);
  Granularity grain = TENWATT_TRY(granularity(node, x, scale));
  std::vector<double> zeros = TENWATT_TRY(zero_points(zero, scale));
  std::vector<double> reals = TENWATT_TRY(doubles_of(x, "x"));
  std::vector<double> scales = TENWATT_TRY(doubles_of(scale, "y_scale"));
  Format format = zero != nullptr
                      ? zero->format()
                      : TENWATT_TRY(format_attribute(node, "output_dtype", Format::kU8));
  Tensor result = TENWATT_TRY(Tensor::create(format, x.shape()));
  if (result.count() == 0) return one(std::move(result));
  TENWATT_TRY(with_integer(format, "y", [&]<class T>() -> Status {
    std::span<T> to = result.mutable_values<T>();
    for_elements(grain, [&](size_t i, size_t s) {
      // The quotient is rounded to f32 first, as runtimes divide; ties go to the even integer.
      float quotient = static_cast<float>(reals[i]) / static_cast<float>(scales[s]);
      to[i] = saturated<T>(std::nearbyint(static_cast<double>(quotient)) + zeros[s]);
    });
    return {};
  }));
  return one(std::move(result));
}

}  // namespace

std::span<const Entry> quantize_kernels() {
  static constexpr Entry kEntries[] = {{"DequantizeLinear", dequantize},
                                       {"QuantizeLinear", quantize}};
  return kEntries;
}

}  // namespace tenwatt::graph::reference
