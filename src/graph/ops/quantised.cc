// Integer products of quantised values: MatMulInteger, ConvInteger, their forms with scales
// QLinearMatMul and QLinearConv, and DynamicQuantizeLinear. The shapes are those of MatMul and Conv
// over the stored integers; own_operators.md says where a form is wider than ONNX's.
#include "graph/ops/products.h"
#include "graph/ops/schema.h"

namespace tenwatt::graph {
namespace {

/// Where an operator keeps its operands: ONNX puts scale and zero point behind each operand in the
/// forms with scales, and both zero points at the end in those without.
struct Operands {
  size_t right;
  size_t left_zero;
  size_t right_zero;
};
constexpr Operands kPlain{1, 2, 3};
constexpr Operands kScaled{3, 2, 5};
constexpr size_t kLeftScale = 1;
constexpr size_t kRightScale = 4;
constexpr size_t kResultScale = 6;
constexpr size_t kResultZero = 7;
constexpr size_t kBias = 8;

bool is_byte(Format format) { return format == Format::kI8 || format == Format::kU8; }

Status check_operands(Inference& in, const Operands& at) {
  if (!is_byte(in.format(0)) || !is_byte(in.format(at.right)))
    return in.wrong("it multiplies 8-bit integers; " + in.shapes());
  const auto fits = [&](size_t zero, size_t of) {
    return !in.has(zero) || in.format(zero) == in.format(of);
  };
  if (!fits(at.left_zero, 0) || !fits(at.right_zero, at.right))
    return in.wrong("a zero point has another number format than what it belongs to");
  return {};
}

/// What the scaled forms give: integers where the result has a scale, else f32.
Result<Format> scaled_result(Inference& in) {
  if (!in.has(kLeftScale) || !in.has(kRightScale)) return in.wrong("a scale is missing");
  if (!in.has(kResultScale)) return Format::kF32;
  if (!in.has(kResultZero)) return in.wrong("the zero point of its result is missing");
  if (!is_byte(in.format(kResultZero))) return in.wrong("its result is no 8-bit integer");
  return in.format(kResultZero);
}

Status check_bias(Inference& in, const Dim& outputs) {
  if (!in.has(kBias)) return {};
  if (in.rank(kBias) != 1) return in.wrong("its bias must be a vector; " + in.shapes());
  TENWATT_TRY(in.same(in.shape(kBias)[0], outputs, "bias and outputs"));
  return {};
}

Status matmul_integer(Inference& in) {
  TENWATT_TRY(check_operands(in, kPlain));
  in.set(0, Format::kI32, TENWATT_TRY(product_shape(in, 0, kPlain.right)));
  return {};
}

Status qlinear_matmul(Inference& in) {
  TENWATT_TRY(check_operands(in, kScaled));
  const Format format = TENWATT_TRY(scaled_result(in));
  Dims shape = TENWATT_TRY(product_shape(in, 0, kScaled.right));
  if (in.has(kBias)) {
    if (in.rank(kScaled.right) < 2) return in.wrong("a bias needs a matrix; " + in.shapes());
    TENWATT_TRY(check_bias(in, in.shape(kScaled.right).back()));
  }
  in.set(0, format, std::move(shape));
  return {};
}

Status conv_integer(Inference& in) {
  TENWATT_TRY(check_operands(in, kPlain));
  in.set(0, Format::kI32, TENWATT_TRY(convolution_shape(in, 0, kPlain.right)));
  return {};
}

Status qlinear_conv(Inference& in) {
  TENWATT_TRY(check_operands(in, kScaled));
  const Format format = TENWATT_TRY(scaled_result(in));
  Dims shape = TENWATT_TRY(convolution_shape(in, 0, kScaled.right));
  TENWATT_TRY(check_bias(in, in.shape(kScaled.right)[0]));
  in.set(0, format, std::move(shape));
  return {};
}

Status dynamic_quantize(Inference& in) {
  if (in.format(0) != Format::kF32) return in.wrong("it quantises f32; " + in.shapes());
  in.set(0, Format::kU8, in.shape(0));
  in.set(1, Format::kF32, {});
  in.set(2, Format::kU8, {});
  return {};
}

constexpr Schema kRows[] = {
    {"ConvInteger", 2, 4, 1, conv_integer},
    {"DynamicQuantizeLinear", 1, 1, 3, dynamic_quantize},
    {"MatMulInteger", 2, 4, 1, matmul_integer},
    {"QLinearConv", 5, 9, 1, qlinear_conv},
    {"QLinearMatMul", 5, 9, 1, qlinear_matmul},
};

}  // namespace

std::span<const Schema> quantised_schemas() { return kRows; }

}  // namespace tenwatt::graph
