// Operators that work element by element on f32, with broadcasting; comparisons, selection and
// casts. Integer arithmetic is left to the reference kernels: in real graphs it only shapes things.
#include <algorithm>
#include <cstring>
#include <limits>

#include "devices/cpu/lower/lower.h"
#include "devices/cpu/lower/strided.h"

namespace tenwatt::cpu {
namespace {

using graph::ValueId;

constexpr int64_t kGrain = 64;

bool all_f32(const LowerInput& input, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    if (!input.has(i) || input.in_format(i) != Format::kF32) return false;
  }
  return true;
}

// ---- one operand -----------------------------------------------------------------------------

struct UnaryKernel {
  Unary op;
  float alpha = 0;
  float beta = 0;
};

Result<std::optional<Lowered>> lower_unary_as(const LowerInput& input, UnaryKernel kernel) {
  if (!all_f32(input, 1)) return std::optional<Lowered>();
  const KernelTable* kernels = input.setup.kernels;
  const ValueId x = input.in(0);
  const ValueId y = input.out();
  const int64_t count = elements(input.out_shape());
  Step step;
  step.kernel = "unary " + input.node.op + " " + kernels->name;
  step.crew = crew_for(count);
  step.run = [=](StepContext& context) {
    const auto share = context.share(count, kGrain);
    if (share.begin >= share.end) return;
    kernels->unary(kernel.op, context.at<const float>(x) + share.begin,
                   context.at<float>(y) + share.begin, share.end - share.begin, kernel.alpha,
                   kernel.beta);
  };
  Lowered lowered;
  lowered.reads = {x};
  lowered.step = std::move(step);
  return lowered;
}

struct UnaryRow {
  std::string_view op;
  Unary kernel;
  float alpha;  ///< defaults of the attributes "alpha" and "beta"
  float beta;
};
constexpr UnaryRow kUnary[] = {
    {"Abs", Unary::kAbs, 0, 0},
    {"Ceil", Unary::kCeil, 0, 0},
    {"Cos", Unary::kCos, 0, 0},
    {"Erf", Unary::kErf, 0, 0},
    {"Exp", Unary::kExp, 0, 0},
    {"Floor", Unary::kFloor, 0, 0},
    {"LeakyRelu", Unary::kLeakyRelu, 0.01f, 0},
    {"Log", Unary::kLog, 0, 0},
    {"Neg", Unary::kNeg, 0, 0},
    {"Reciprocal", Unary::kReciprocal, 0, 0},
    {"Relu", Unary::kRelu, 0, 0},
    {"Round", Unary::kRound, 0, 0},
    {"Sigmoid", Unary::kSigmoid, 0, 0},
    {"Silu", Unary::kSilu, 0, 0},
    {"Sin", Unary::kSin, 0, 0},
    {"Softplus", Unary::kSoftplus, 0, 0},
    {"Sqrt", Unary::kSqrt, 0, 0},
    {"Tanh", Unary::kTanh, 0, 0},
};

Result<std::optional<Lowered>> lower_unary(const LowerInput& input) {
  const auto* row = std::ranges::find(kUnary, std::string_view(input.node.op), &UnaryRow::op);
  if (row == std::end(kUnary)) return std::optional<Lowered>();
  return lower_unary_as(input, {row->kernel, input.node.real("alpha", row->alpha),
                                input.node.real("beta", row->beta)});
}

Result<std::optional<Lowered>> lower_gelu(const LowerInput& input) {
  const bool tanh = input.node.text("approximate", "none") == "tanh";
  return lower_unary_as(input, {tanh ? Unary::kGeluTanh : Unary::kGeluErf, 0, 0});
}

Result<std::optional<Lowered>> lower_clip(const LowerInput& input) {
  const auto bound = [&](size_t index, float absent) -> std::optional<float> {
    return input.has(index) ? input.scalar(input.in(index)) : absent;
  };
  const auto low = bound(1, -std::numeric_limits<float>::infinity());
  const auto high = bound(2, std::numeric_limits<float>::infinity());
  if (!low || !high) return std::optional<Lowered>();
  return lower_unary_as(input, {Unary::kClip, *low, *high});
}

// ---- two operands ----------------------------------------------------------------------------

/// The loop over the output and two broadcast operands: output, a, b.
std::optional<StridedLoop> broadcast_loop(const LowerInput& input) {
  const Shape& out = input.out_shape();
  const auto a = broadcast_strides(input.in_shape(0), out);
  const auto b = broadcast_strides(input.in_shape(1), out);
  if (!a || !b) return std::nullopt;
  const Shape strides[] = {contiguous_strides(out), *a, *b};
  return StridedLoop::make(out, strides);
}

/// How the innermost axis runs over a and b; nullopt where a kernel can't (both stand still).
std::optional<Spread> spread_of(const StridedLoop& loop) {
  const int64_t a = loop.inner_stride(1);
  const int64_t b = loop.inner_stride(2);
  if (a == 1 && b == 1) return Spread::kNone;
  if (a == 0 && b == 1) return Spread::kA;
  if (a == 1 && b == 0) return Spread::kB;
  return std::nullopt;
}

/// A step that calls apply(kernels, a, b, y, n, spread) on rows; Y is the output's element.
template <class Y, class Apply>
Result<std::optional<Lowered>> lower_pairs(const LowerInput& input, std::string_view family,
                                           Apply apply) {
  if (!all_f32(input, 2)) return std::optional<Lowered>();
  const auto loop = broadcast_loop(input);
  const auto spread = loop ? spread_of(*loop) : std::nullopt;
  if (!spread) return std::optional<Lowered>();
  const KernelTable* kernels = input.setup.kernels;
  const ValueId a = input.in(0);
  const ValueId b = input.in(1);
  const ValueId y = input.out();
  Step step;
  step.kernel = std::string(family) + " " + input.node.op + " " + kernels->name;
  step.crew = crew_for(loop->elements());
  step.run = [=, loop = *loop, spread = *spread](StepContext& context) {
    const auto share = context.share(loop.elements(), kGrain);
    const auto* from_a = context.at<const float>(a);
    const auto* from_b = context.at<const float>(b);
    auto* to = context.at<Y>(y);
    loop.visit(share.begin, share.end, [&](const StridedLoop::Offsets& at, int64_t n) {
      apply(kernels, from_a + at[1], from_b + at[2], to + at[0], n, spread);
    });
  };
  Lowered lowered;
  lowered.reads = {a, b};
  lowered.step = std::move(step);
  return lowered;
}

struct BinaryRow {
  std::string_view op;
  Binary kernel;
};
constexpr BinaryRow kBinary[] = {
    {"Add", Binary::kAdd}, {"Div", Binary::kDiv}, {"Max", Binary::kMax}, {"Min", Binary::kMin},
    {"Mul", Binary::kMul}, {"Pow", Binary::kPow}, {"Sub", Binary::kSub},
};

Result<std::optional<Lowered>> lower_binary(const LowerInput& input) {
  const graph::Node& node = input.node;
  const auto* row = std::ranges::find(kBinary, std::string_view(node.op), &BinaryRow::op);
  if (row == std::end(kBinary) || input.input_count() != 2) {
    return std::optional<Lowered>();
  }
  const bool square = node.op == "Pow" && input.scalar(input.in(1)) == 2.0f &&
                      input.in_shape(0) == input.out_shape();
  if (square) return lower_unary_as(input, {Unary::kSquare, 0, 0});
  return lower_pairs<float>(
      input, "binary",
      [op = row->kernel](const KernelTable* kernels, const float* a, const float* b, float* y,
                         int64_t n, Spread spread) { kernels->binary(op, a, b, y, n, spread); });
}

struct CompareRow {
  std::string_view op;
  Compare kernel;
};
constexpr CompareRow kCompare[] = {
    {"Equal", Compare::kEqual},
    {"Greater", Compare::kGreater},
    {"GreaterOrEqual", Compare::kGreaterOrEqual},
    {"Less", Compare::kLess},
    {"LessOrEqual", Compare::kLessOrEqual},
};

Result<std::optional<Lowered>> lower_compare(const LowerInput& input) {
  const auto* row = std::ranges::find(kCompare, std::string_view(input.node.op), &CompareRow::op);
  if (row == std::end(kCompare)) return std::optional<Lowered>();
  return lower_pairs<uint8_t>(
      input, "compare",
      [op = row->kernel](const KernelTable* kernels, const float* a, const float* b, uint8_t* y,
                         int64_t n, Spread spread) { kernels->compare(op, a, b, y, n, spread); });
}

// ---- Where -----------------------------------------------------------------------------------

template <class T>
void select_row(const uint8_t* condition, int64_t condition_step, const T* a, int64_t a_step,
                const T* b, int64_t b_step, T* y, int64_t n) {
  for (int64_t i = 0; i < n; ++i) {
    y[i] = condition[i * condition_step] ? a[i * a_step] : b[i * b_step];
  }
}

template <class T>
Step select_step(const LowerInput& input, const StridedLoop& loop) {
  const ValueId condition = input.in(0);
  const ValueId a = input.in(1);
  const ValueId b = input.in(2);
  const ValueId y = input.out();
  Step step;
  step.kernel = "select strided";
  step.crew = crew_for(loop.elements());
  step.run = [=](StepContext& context) {
    const auto share = context.share(loop.elements(), kGrain);
    loop.visit(share.begin, share.end, [&](const StridedLoop::Offsets& at, int64_t n) {
      select_row(context.at<const uint8_t>(condition) + at[1], loop.inner_stride(1),
                 context.at<const T>(a) + at[2], loop.inner_stride(2),
                 context.at<const T>(b) + at[3], loop.inner_stride(3), context.at<T>(y) + at[0], n);
    });
  };
  return step;
}

Result<std::optional<Lowered>> lower_where(const LowerInput& input) {
  const Shape& out = input.out_shape();
  const auto condition = broadcast_strides(input.in_shape(0), out);
  const auto a = broadcast_strides(input.in_shape(1), out);
  const auto b = broadcast_strides(input.in_shape(2), out);
  if (!condition || !a || !b) return std::optional<Lowered>();
  const Shape strides[] = {contiguous_strides(out), *condition, *a, *b};
  const auto loop = StridedLoop::make(out, strides);
  if (!loop) return std::optional<Lowered>();
  Lowered lowered;
  lowered.reads = {input.in(0), input.in(1), input.in(2)};
  switch (info(input.in_format(1)).bytes) {
    case 1:
      lowered.step = select_step<uint8_t>(input, *loop);
      break;
    case 2:
      lowered.step = select_step<uint16_t>(input, *loop);
      break;
    case 4:
      lowered.step = select_step<uint32_t>(input, *loop);
      break;
    case 8:
      lowered.step = select_step<uint64_t>(input, *loop);
      break;
    default:
      return std::optional<Lowered>();
  }
  return lowered;
}

// ---- Cast ------------------------------------------------------------------------------------

using CastKernel = void (*)(const KernelTable&, const std::byte* x, std::byte* y, int64_t n);

template <class From, class To, void (*KernelTable::*function)(const From*, To*, int64_t)>
void cast_rows(const KernelTable& kernels, const std::byte* x, std::byte* y, int64_t n) {
  (kernels.*function)(reinterpret_cast<const From*>(x), reinterpret_cast<To*>(y), n);
}

struct CastRow {
  Format from;
  Format to;
  CastKernel kernel;
};
constexpr CastRow kCasts[] = {
    {Format::kF32, Format::kF16, cast_rows<float, uint16_t, &KernelTable::to_f16>},
    {Format::kF16, Format::kF32, cast_rows<uint16_t, float, &KernelTable::from_f16>},
    {Format::kF32, Format::kBF16, cast_rows<float, uint16_t, &KernelTable::to_bf16>},
    {Format::kBF16, Format::kF32, cast_rows<uint16_t, float, &KernelTable::from_bf16>},
};

Result<std::optional<Lowered>> lower_cast(const LowerInput& input) {
  const Format from = input.in_format(0);
  const Format to = input.format(input.out());
  Lowered lowered;
  if (from == to) {
    lowered.aliases.push_back({input.out(), input.in(0), 0});
    return lowered;
  }
  const auto* row = std::ranges::find_if(
      kCasts, [&](const CastRow& cast) { return cast.from == from && cast.to == to; });
  if (row == std::end(kCasts)) return std::optional<Lowered>();
  const KernelTable* kernels = input.setup.kernels;
  const ValueId x = input.in(0);
  const ValueId y = input.out();
  const int64_t count = elements(input.out_shape());
  Step step;
  step.kernel = std::string("cast ") + kernels->name;
  step.crew = crew_for(count);
  step.run = [=, kernel = row->kernel, x_bytes = info(from).bytes,
              y_bytes = info(to).bytes](StepContext& context) {
    const auto share = context.share(count, kGrain);
    if (share.begin >= share.end) return;
    kernel(*kernels, context.at<const std::byte>(x) + share.begin * x_bytes,
           context.at<std::byte>(y) + share.begin * y_bytes, share.end - share.begin);
  };
  lowered.reads = {x};
  lowered.step = std::move(step);
  return lowered;
}

constexpr OperatorRow kRows[] = {
    {"Abs", "unary", lower_unary},
    {"Add", "binary", lower_binary},
    {"Cast", "cast", lower_cast},
    {"Ceil", "unary", lower_unary},
    {"Clip", "unary", lower_clip},
    {"Cos", "unary", lower_unary},
    {"Div", "binary", lower_binary},
    {"Equal", "compare", lower_compare},
    {"Erf", "unary", lower_unary},
    {"Exp", "unary", lower_unary},
    {"Floor", "unary", lower_unary},
    {"Gelu", "unary", lower_gelu},
    {"Greater", "compare", lower_compare},
    {"GreaterOrEqual", "compare", lower_compare},
    {"LeakyRelu", "unary", lower_unary},
    {"Less", "compare", lower_compare},
    {"LessOrEqual", "compare", lower_compare},
    {"Log", "unary", lower_unary},
    {"Max", "binary", lower_binary},
    {"Min", "binary", lower_binary},
    {"Mul", "binary", lower_binary},
    {"Neg", "unary", lower_unary},
    {"Pow", "binary", lower_binary},
    {"Reciprocal", "unary", lower_unary},
    {"Relu", "unary", lower_unary},
    {"Round", "unary", lower_unary},
    {"Sigmoid", "unary", lower_unary},
    {"Silu", "unary", lower_unary},
    {"Sin", "unary", lower_unary},
    {"Softplus", "unary", lower_unary},
    {"Sqrt", "unary", lower_unary},
    {"Sub", "binary", lower_binary},
    {"Tanh", "unary", lower_unary},
    {"Where", "select", lower_where},
};

}  // namespace

std::span<const OperatorRow> elementwise_operators() { return kRows; }

}  // namespace tenwatt::cpu
