// Operators that turn each element of one input into one of the output: functions, Not, Clip and
// casts. f32 has vector kernels; other formats share one family over all types.
#include "devices/cpu/lower/elementwise.h"

#include <algorithm>
#include <limits>

#include "devices/cpu/lower/typed.h"

namespace tenwatt::cpu {
namespace {

using graph::ValueId;

/// Functions that integers have too.
bool is_of_integers(Unary op) {
  return op == Unary::kAbs || op == Unary::kNeg || op == Unary::kRelu || op == Unary::kSign;
}

}  // namespace

Result<std::optional<Lowered>> lower_unary_as(const LowerInput& input, UnaryKernel kernel) {
  const auto type = element_of(input.in_format(0));
  const bool fits =
      type && *type != Element::kBool && (is_float(*type) || is_of_integers(kernel.op));
  if (!fits) return std::optional<Lowered>();
  const KernelTable* kernels = input.setup.kernels;
  const ValueId x = input.in(0);
  const ValueId y = input.out();
  const int64_t count = elements(input.out_shape());
  const int64_t bytes = info(input.in_format(0)).bytes;
  Step step;
  step.kernel = "unary " + input.node.op + " " + kernels->name;
  step.crew = crew_for_pure(count);
  step.run = [=, type = *type](StepContext& context) {
    const auto share = context.share(count, kElementwiseGrain);
    if (share.begin >= share.end) return;
    const std::byte* from = context.at<const std::byte>(x) + share.begin * bytes;
    std::byte* to = context.at<std::byte>(y) + share.begin * bytes;
    const int64_t n = share.end - share.begin;
    if (type == Element::kF32) {
      kernels->unary(kernel.op, reinterpret_cast<const float*>(from), reinterpret_cast<float*>(to),
                     n, kernel.alpha, kernel.beta);
    } else {
      kernels->unary_any(kernel.op, type, from, to, n, kernel.alpha, kernel.beta);
    }
  };
  Lowered lowered;
  lowered.reads = {x};
  lowered.step = std::move(step);
  return lowered;
}

namespace {

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

/// What is not true equals false.
Result<std::optional<Lowered>> lower_not(const LowerInput& input) {
  if (input.in_format(0) != Format::kBool) return std::optional<Lowered>();
  static constexpr uint8_t kFalse = 0;
  const ValueId x = input.in(0);
  const ValueId y = input.out();
  const int64_t count = elements(input.out_shape());
  const KernelTable* kernels = input.setup.kernels;
  Step step;
  step.kernel = std::string("compare Not ") + kernels->name;
  step.crew = crew_for(count);
  step.run = [=](StepContext& context) {
    const auto share = context.share(count, kElementwiseGrain);
    if (share.begin >= share.end) return;
    kernels->compare_any(Compare::kEqual, Element::kBool,
                         {context.at<const uint8_t>(x) + share.begin, 1}, {&kFalse, 0},
                         context.at<uint8_t>(y) + share.begin, share.end - share.begin);
  };
  Lowered lowered;
  lowered.reads = {x};
  lowered.step = std::move(step);
  return lowered;
}

/// min(max(x, low), high); the bounds are read when the step runs, and either may be missing.
Result<std::optional<Lowered>> lower_clip(const LowerInput& input) {
  const auto type = element_of(input.in_format(0));
  const auto fits = [&](size_t i) {
    return !input.has(i) ||
           (input.in_format(i) == input.in_format(0) && elements(input.in_shape(i)) == 1);
  };
  if (!type || *type == Element::kBool || !fits(1) || !fits(2)) return std::optional<Lowered>();
  Lowered lowered;
  if (!input.has(1) && !input.has(2)) {
    lowered.aliases.push_back({input.out(), input.in(0), 0});
    return lowered;
  }
  const ValueId low = input.has(1) ? input.in(1) : graph::kNoValue;
  const ValueId high = input.has(2) ? input.in(2) : graph::kNoValue;
  const ValueId x = input.in(0);
  const ValueId y = input.out();
  const KernelTable* kernels = input.setup.kernels;
  const int64_t count = elements(input.out_shape());
  const int64_t bytes = info(input.in_format(0)).bytes;
  Step step;
  step.kernel = std::string("unary Clip ") + kernels->name;
  step.crew = crew_for(count);
  step.run = [=, type = *type](StepContext& context) {
    const auto share = context.share(count, kElementwiseGrain);
    if (share.begin >= share.end) return;
    const int64_t n = share.end - share.begin;
    const std::byte* from = context.at<const std::byte>(x) + share.begin * bytes;
    std::byte* to = context.at<std::byte>(y) + share.begin * bytes;
    if (type == Element::kF32) {
      constexpr float kNone = std::numeric_limits<float>::infinity();
      const float bottom = low == graph::kNoValue ? -kNone : *context.at<const float>(low);
      const float top = high == graph::kNoValue ? kNone : *context.at<const float>(high);
      return kernels->unary(Unary::kClip, reinterpret_cast<const float*>(from),
                            reinterpret_cast<float*>(to), n, bottom, top);
    }
    const auto bound = [&](Binary op, const std::byte* source, ValueId limit) {
      kernels->binary_any(op, type, {source, 1}, {context.at<const std::byte>(limit), 0}, to, n);
    };
    if (low != graph::kNoValue) bound(Binary::kMax, from, low);
    if (high != graph::kNoValue) bound(Binary::kMin, low == graph::kNoValue ? from : to, high);
  };
  lowered.reads = {x, low, high};
  lowered.step = std::move(step);
  return lowered;
}

/// Converts n elements.
struct CastKernel {
  Format from;
  Format to;

  void operator()(const KernelTable& kernels, const std::byte* x, std::byte* y, int64_t n) const {
    const auto* halves = reinterpret_cast<const uint16_t*>(x);
    auto* narrow = reinterpret_cast<uint16_t*>(y);
    if (from == Format::kF16) return kernels.from_f16(halves, reinterpret_cast<float*>(y), n);
    if (from == Format::kBF16) return kernels.from_bf16(halves, reinterpret_cast<float*>(y), n);
    const auto* floats = reinterpret_cast<const float*>(x);
    if (to == Format::kF16) return kernels.to_f16(floats, narrow, n);
    if (to == Format::kBF16) return kernels.to_bf16(floats, narrow, n);
    kernels.convert(*element_of(from), x, *element_of(to), y, n);
  }
};

bool casts_directly(Format from, Format to) {
  const bool narrow_from = !element_of(from);
  const bool narrow_to = !element_of(to);
  return (!narrow_from || to == Format::kF32) && (!narrow_to || from == Format::kF32);
}

Result<std::optional<Lowered>> lower_cast(const LowerInput& input) {
  const Format from = input.in_format(0);
  const Format to = input.format(input.out());
  Lowered lowered;
  if (from == to) {
    lowered.aliases.push_back({input.out(), input.in(0), 0});
    return lowered;
  }
  if (is_block(from) || is_block(to) || !casts_directly(from, to)) return std::optional<Lowered>();
  const KernelTable* kernels = input.setup.kernels;
  const ValueId x = input.in(0);
  const ValueId y = input.out();
  const int64_t count = elements(input.out_shape());
  Step step;
  step.kernel = std::string("cast ") + kernels->name;
  step.crew = crew_for(count);
  step.run = [=, kernel = CastKernel{from, to}, x_bytes = info(from).bytes,
              y_bytes = info(to).bytes](StepContext& context) {
    const auto share = context.share(count, kElementwiseGrain);
    if (share.begin >= share.end) return;
    kernel(*kernels, context.at<const std::byte>(x) + share.begin * x_bytes,
           context.at<std::byte>(y) + share.begin * y_bytes, share.end - share.begin);
  };
  lowered.reads = {x};
  lowered.step = std::move(step);
  return lowered;
}

constexpr OperatorRow kRows[] = {
    {"Abs", "unary", lower_unary},        {"Cast", "cast", lower_cast},
    {"CastLike", "cast", lower_cast},     {"Ceil", "unary", lower_unary},
    {"Clip", "unary", lower_clip},        {"Cos", "unary", lower_unary},
    {"Erf", "unary", lower_unary},        {"Exp", "unary", lower_unary},
    {"Floor", "unary", lower_unary},      {"Gelu", "unary", lower_gelu},
    {"LeakyRelu", "unary", lower_unary},  {"Log", "unary", lower_unary},
    {"Neg", "unary", lower_unary},        {"Not", "compare", lower_not},
    {"Reciprocal", "unary", lower_unary}, {"Relu", "unary", lower_unary},
    {"Round", "unary", lower_unary},      {"Sigmoid", "unary", lower_unary},
    {"Silu", "unary", lower_unary},       {"Sin", "unary", lower_unary},
    {"Softplus", "unary", lower_unary},   {"Sqrt", "unary", lower_unary},
    {"Tanh", "unary", lower_unary},
};

}  // namespace

std::span<const OperatorRow> elementwise_operators() { return kRows; }

}  // namespace tenwatt::cpu
