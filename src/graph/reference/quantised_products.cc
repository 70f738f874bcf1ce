// Products of 8-bit integers: MatMulInteger, ConvInteger, QLinearMatMul, QLinearConv. The operands
// are brought to their zero points in double and multiplied by the float kernels, which is exact
// for sums below 2^53; DynamicQuantizeLinear makes such operands.
#include <cmath>

#include "graph/reference/kernel.h"

namespace tenwatt::graph::reference {
namespace {

/// Which elements of an operand share a zero point or scale: one for all, or one for each slice of
/// an axis (outer, extent, inner).
struct Slices {
  int64_t extent = 1;
  int64_t inner = 1;
  size_t of(int64_t element) const { return static_cast<size_t>(element / inner % extent); }
};

Slices along(const Shape& shape, int64_t axis) {
  if (axis < 0) return {};
  return {shape[static_cast<size_t>(axis)],
          extent_product(shape, axis + 1, static_cast<int64_t>(shape.size()))};
}

/// Parameters of an operand: one number, or one for each slice.
Result<std::vector<double>> parameters(const Tensor* given, const Slices& slices, double missing,
                                       std::string_view name) {
  if (given == nullptr) return std::vector<double>(static_cast<size_t>(slices.extent), missing);
  std::vector<double> numbers = TENWATT_TRY(doubles_of(*given, name));
  if (numbers.size() == 1) numbers.assign(static_cast<size_t>(slices.extent), numbers[0]);
  if (static_cast<int64_t>(numbers.size()) != slices.extent)
    return invalid(std::string(name) + " " + to_string(given->shape()) + " fits no axis");
  return numbers;
}

Result<Tensor> centred(const Tensor& stored, const Tensor* zero, const Slices& slices,
                       std::string_view name) {
  const std::vector<double> zeros = TENWATT_TRY(parameters(zero, slices, 0, name));
  const std::vector<double> numbers = TENWATT_TRY(doubles_of(stored, name));
  Tensor result = TENWATT_TRY(Tensor::create(Format::kF64, stored.shape()));
  std::span<double> to = result.mutable_values<double>();
  for (size_t i = 0; i < to.size(); ++i)
    to[i] = numbers[i] - zeros[slices.of(static_cast<int64_t>(i))];
  return result;
}

/// How an operator multiplies: by which float operator, and along which axes of the operands and
/// the result the outputs lie.
struct Product {
  std::string_view op;
  int64_t left_axis;   ///< of its rows, which may have zero points of their own; -1: none
  int64_t right_axis;  ///< of the outputs
  int64_t result_axis;
};

int64_t axis_from_end(const Tensor& tensor, int64_t back) {
  return tensor.rank() > 1 ? tensor.rank() - back : -1;
}

Product matrices(const Tensor& a, const Tensor& b) {
  const int64_t result = std::max(a.rank(), b.rank()) - (a.rank() == 1 ? 2 : 1);
  return {"MatMul", axis_from_end(a, 2), axis_from_end(b, 1), b.rank() > 1 ? result : -1};
}

Product convolution(const Tensor&, const Tensor&) { return {"Conv", -1, 0, 1}; }

Result<Tensor> sums_of(const Node& node, const Product& product, const Tensor& a,
                       const Tensor* a_zero, const Tensor& b, const Tensor* b_zero,
                       const ReferenceContext& context) {
  const bool one_for_all = a_zero == nullptr || a_zero->count() == 1;
  const Slices rows = one_for_all ? Slices{} : along(a.shape(), product.left_axis);
  const ReferenceInput operands[] = {
      TENWATT_TRY(centred(a, a_zero, rows, "a_zero_point")),
      TENWATT_TRY(centred(b, b_zero, along(b.shape(), product.right_axis), "b_zero_point"))};
  auto results = TENWATT_TRY(reference_kernel(product.op)(node, Inputs(operands), context));
  return std::move(results[0]);
}

using ProductOf = Product (*)(const Tensor&, const Tensor&);

template <ProductOf product_of>
Outputs integer_product(const Node& node, Inputs inputs, const ReferenceContext& context) {
  const Tensor& a = *TENWATT_TRY(need(inputs, 0, "a"));
  const Tensor& b = *TENWATT_TRY(need(inputs, 1, "b"));
  const Tensor sums = TENWATT_TRY(
      sums_of(node, product_of(a, b), a, maybe(inputs, 2), b, maybe(inputs, 3), context));
  Tensor result = TENWATT_TRY(Tensor::create(Format::kI32, sums.shape()));
  // Sums wrap, as 32-bit accumulators do.
  std::ranges::transform(
      sums.values<double>(), result.mutable_values<int32_t>().begin(), [](double sum) {
        return static_cast<int32_t>(static_cast<uint32_t>(static_cast<int64_t>(sum)));
      });
  return one(std::move(result));
}

/// Real numbers as the integers that QuantizeLinear would store.
Result<Tensor> stored(const std::vector<double>& reals, const Shape& shape, const Tensor& scale,
                      const Tensor& zero) {
  const double step = TENWATT_TRY(parameters(&scale, {}, 1, "y_scale"))[0];
  const double shift = TENWATT_TRY(parameters(&zero, {}, 0, "y_zero_point"))[0];
  Tensor result = TENWATT_TRY(Tensor::create(zero.format(), shape));
  TENWATT_TRY(with_integer(zero.format(), "y", [&]<class T>() -> Status {
    std::ranges::transform(reals, result.mutable_values<T>().begin(), [&](double real) {
      const float quotient = static_cast<float>(real) / static_cast<float>(step);
      return saturated<T>(std::nearbyint(static_cast<double>(quotient)) + shift);
    });
    return {};
  }));
  return result;
}

template <ProductOf product_of>
Outputs scaled_product(const Node& node, Inputs inputs, const ReferenceContext& context) {
  const Tensor& a = *TENWATT_TRY(need(inputs, 0, "a"));
  const Tensor& a_scale = *TENWATT_TRY(need(inputs, 1, "a_scale"));
  const Tensor& b = *TENWATT_TRY(need(inputs, 3, "b"));
  const Tensor& b_scale = *TENWATT_TRY(need(inputs, 4, "b_scale"));
  const Product product = product_of(a, b);
  const Tensor sums =
      TENWATT_TRY(sums_of(node, product, a, maybe(inputs, 2), b, maybe(inputs, 5), context));
  const double left = TENWATT_TRY(parameters(&a_scale, {}, 1, "a_scale"))[0];
  const Slices columns = along(b.shape(), product.right_axis);
  const std::vector<double> right = TENWATT_TRY(parameters(&b_scale, columns, 1, "b_scale"));
  const Tensor* bias = maybe(inputs, 8);
  const std::vector<double> added = TENWATT_TRY(parameters(bias, columns, 0, "bias"));
  const bool whole = bias != nullptr && bias->format() == Format::kI32;
  const Slices outputs = along(sums.shape(), product.result_axis);
  std::vector<double> reals(sums.values<double>().begin(), sums.values<double>().end());
  for (size_t i = 0; i < reals.size(); ++i) {
    const size_t n = outputs.of(static_cast<int64_t>(i));
    const double scale = left * right[n];
    reals[i] = whole ? (reals[i] + added[n]) * scale : reals[i] * scale + added[n];
  }
  if (const Tensor* y_scale = maybe(inputs, 6)) {
    const Tensor& zero = *TENWATT_TRY(need(inputs, 7, "y_zero_point"));
    return one(TENWATT_TRY(stored(reals, sums.shape(), *y_scale, zero)));
  }
  Tensor result = TENWATT_TRY(Tensor::create(Format::kF32, sums.shape()));
  std::ranges::transform(reals, result.mutable_values<float>().begin(),
                         [](double real) { return static_cast<float>(real); });
  return one(std::move(result));
}

/// The range of x and zero in 255 steps, as ONNX defines it, in f32.
Outputs dynamic_quantize(const Node&, Inputs inputs, const ReferenceContext&) {
  const Tensor& x = *TENWATT_TRY(need_format(inputs, 0, "x", Format::kF32));
  float low = 0;
  float high = 0;
  for (const float value : x.values<float>()) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  const float range = high - low;
  const float scale = range == 0 ? 1.0f : range / 255.0f;
  const auto zero = saturated<uint8_t>(std::nearbyint(static_cast<double>(-low / scale)));
  Tensor result = TENWATT_TRY(Tensor::create(Format::kU8, x.shape()));
  std::ranges::transform(
      x.values<float>(), result.mutable_values<uint8_t>().begin(), [&](float value) {
        return saturated<uint8_t>(std::nearbyint(static_cast<double>(value / scale)) + zero);
      });
  std::vector<Tensor> outputs = one(std::move(result));
  outputs.push_back(Tensor::scalar<float>(scale));
  outputs.push_back(Tensor::scalar<uint8_t>(zero));
  return outputs;
}

}  // namespace

std::span<const Entry> quantised_product_kernels() {
  static constexpr Entry kEntries[] = {{"ConvInteger", integer_product<convolution>},
                                       {"DynamicQuantizeLinear", dynamic_quantize},
                                       {"MatMulInteger", integer_product<matrices>},
                                       {"QLinearConv", scaled_product<convolution>},
                                       {"QLinearMatMul", scaled_product<matrices>}};
  return kEntries;
}

}  // namespace tenwatt::graph::reference
