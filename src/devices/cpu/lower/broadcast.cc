// Operators that read several inputs in lock step, with broadcasting: arithmetic, comparisons,
// logic and selection. f32 has vector kernels for what stands still or moves by one; the rest is
// one family over all types and strides.
#include <algorithm>
#include <cstring>

#include "devices/cpu/lower/elementwise.h"
#include "devices/cpu/lower/strided.h"
#include "devices/cpu/lower/typed.h"

namespace tenwatt::cpu {
namespace {

using graph::ValueId;

/// The loop over the output and two broadcast operands: output, a, b.
std::optional<StridedLoop> broadcast_loop(const LowerInput& input, const Shape& shape_a,
                                          const Shape& shape_b) {
  const Shape& out = input.out_shape();
  const auto a = broadcast_strides(shape_a, out);
  const auto b = broadcast_strides(shape_b, out);
  if (!a || !b) return std::nullopt;
  const Shape strides[] = {contiguous_strides(out), *a, *b};
  return StridedLoop::make(out, strides);
}

/// How the vector kernels name steps of 0 and 1; nullopt where both stand still.
std::optional<Spread> spread_of(Elements a, Elements b) {
  if (a.step == 1 && b.step == 1) return Spread::kNone;
  if (a.step == 0 && b.step == 1) return Spread::kA;
  if (a.step == 1 && b.step == 0) return Spread::kB;
  return std::nullopt;
}

const float* floats(Elements elements) { return static_cast<const float*>(elements.data); }

/// Two operands that are read along `loop`, and where the result goes.
struct Pairs {
  StridedLoop loop;
  ValueId a;
  ValueId b;
  ValueId y;
  int64_t a_bytes;
  int64_t b_bytes;
  int64_t y_bytes;

  /// Calls apply(a, b, y, n) for the rows of this member's share.
  template <class Apply>
  void run(const StepContext& context, Apply&& apply) const {
    const auto share = context.share(loop.elements(), kElementwiseGrain);
    const std::byte* from_a = context.at<const std::byte>(a);
    const std::byte* from_b = context.at<const std::byte>(b);
    std::byte* to = context.at<std::byte>(y);
    loop.visit(share.begin, share.end, [&](const StridedLoop::Offsets& at, int64_t n) {
      apply(Elements{from_a + at[1] * a_bytes, loop.inner_stride(1)},
            Elements{from_b + at[2] * b_bytes, loop.inner_stride(2)}, to + at[0] * y_bytes, n);
    });
  }
};

/// The pairs of inputs `left` and `right`; nullopt if they don't broadcast to the output.
std::optional<Pairs> pairs_of(const LowerInput& input, size_t left = 0, size_t right = 1) {
  if (!input.has(left) || !input.has(right)) return std::nullopt;
  const auto loop = broadcast_loop(input, input.in_shape(left), input.in_shape(right));
  if (!loop) return std::nullopt;
  return Pairs{*loop,
               input.in(left),
               input.in(right),
               input.out(),
               info(input.in_format(left)).bytes,
               info(input.in_format(right)).bytes,
               info(input.format(input.out())).bytes};
}

/// A step over pairs; `apply` as in Pairs::run.
template <class Apply>
Lowered pair_step(const LowerInput& input, const Pairs& pairs, std::string_view family,
                  Apply apply) {
  Step step;
  step.kernel = std::string(family) + " " + input.node.op + " " + input.setup.kernels->name;
  step.crew = crew_for_pure(pairs.loop.elements());
  step.run = [=](StepContext& context) { pairs.run(context, apply); };
  Lowered lowered;
  lowered.reads = {pairs.a, pairs.b};
  lowered.step = std::move(step);
  return lowered;
}

/// y = op(a, b) on one row.
struct BinaryApply {
  const KernelTable* kernels;
  Binary op;
  Element type;

  void operator()(Elements a, Elements b, std::byte* y, int64_t n) const {
    const auto spread = type == Element::kF32 ? spread_of(a, b) : std::nullopt;
    if (!spread) return kernels->binary_any(op, type, a, b, y, n);
    kernels->binary(op, floats(a), floats(b), reinterpret_cast<float*>(y), n, *spread);
  }
};

struct BinaryRow {
  std::string_view op;
  Binary kernel;
};
constexpr BinaryRow kBinary[] = {
    {"Add", Binary::kAdd}, {"Div", Binary::kDiv}, {"Max", Binary::kMax}, {"Min", Binary::kMin},
    {"Mul", Binary::kMul}, {"Pow", Binary::kPow}, {"Sub", Binary::kSub},
};

/// The kernel for a node whose inputs all have one type of number; nullopt where they don't.
std::optional<BinaryApply> binary_apply(const LowerInput& input) {
  const auto* row = std::ranges::find(kBinary, std::string_view(input.node.op), &BinaryRow::op);
  const auto type = element_of(input.in_format(0));
  if (row == std::end(kBinary) || !type || *type == Element::kBool) return std::nullopt;
  for (size_t i = 0; i < input.input_count(); ++i) {
    if (!input.has(i) || input.in_format(i) != input.in_format(0)) return std::nullopt;
  }
  return BinaryApply{input.setup.kernels, row->kernel, *type};
}

Result<std::optional<Lowered>> lower_binary(const LowerInput& input) {
  const auto apply = binary_apply(input);
  const auto pairs = apply && input.input_count() == 2 ? pairs_of(input) : std::nullopt;
  if (!pairs) return std::optional<Lowered>();
  return pair_step(input, *pairs, "binary", *apply);
}

bool has_zero(const std::byte* data, int64_t count, int64_t bytes) {
  for (int64_t i = 0; i < count; ++i) {
    const std::byte* element = data + i * bytes;
    if (std::all_of(element, element + bytes, [](std::byte b) { return b == std::byte{0}; })) {
      return true;
    }
  }
  return false;
}

/// Integers are never divided by zero: such a run fails, as it does on the reference.
Result<std::optional<Lowered>> lower_div(const LowerInput& input) {
  auto lowered = TENWATT_TRY(lower_binary(input));
  const auto type = element_of(input.in_format(0));
  if (!lowered || !type || is_float(*type)) return lowered;
  const ValueId divisor = input.in(1);
  const int64_t count = elements(input.in_shape(1));
  const int64_t bytes = info(input.in_format(1)).bytes;
  if (lowered->step->crew == Crew::kEach) lowered->step->crew = Crew::kSolo;  // it may fail
  lowered->step->run = [=, divide = lowered->step->run](StepContext& context) {
    if (context.is_first() && has_zero(context.at<const std::byte>(divisor), count, bytes)) {
      context.fail({ErrorCode::kInvalidArgument, "division by zero", {}});
    }
    divide(context);
  };
  return lowered;
}

/// Max and Min of any number of operands, joined from the first to the last.
Result<std::optional<Lowered>> lower_variadic(const LowerInput& input) {
  if (input.input_count() == 2) return lower_binary(input);
  const auto apply = binary_apply(input);
  if (!apply || input.input_count() == 0) return std::optional<Lowered>();
  Lowered lowered;
  if (input.input_count() == 1) {
    lowered.aliases.push_back({input.out(), input.in(0), 0});
    return lowered;
  }
  std::vector<Pairs> all;
  for (size_t i = 1; i < input.input_count(); ++i) {
    auto pairs = pairs_of(input, 0, i);
    if (!pairs) return std::optional<Lowered>();
    if (i > 1) {
      // The running result takes the place of the first operand.
      const auto loop = broadcast_loop(input, input.out_shape(), input.in_shape(i));
      if (!loop) return std::optional<Lowered>();
      pairs->loop = *loop;
      pairs->a = pairs->y;
    }
    all.push_back(*pairs);
    lowered.reads.push_back(input.in(i));
  }
  lowered.reads.push_back(input.in(0));
  Step step;
  step.kernel = "binary " + input.node.op + " " + apply->kernels->name;
  step.crew = crew_for(elements(input.out_shape()));
  step.run = [=, apply = *apply](StepContext& context) {
    for (const Pairs& pairs : all) pairs.run(context, apply);
  };
  lowered.step = std::move(step);
  return lowered;
}

/// The base decides the type of the result; the exponent may have any other.
Result<std::optional<Lowered>> lower_pow(const LowerInput& input) {
  const bool square = input.in_format(0) == Format::kF32 && input.has(1) &&
                      input.scalar(input.in(1)) == 2.0f && input.in_shape(0) == input.out_shape();
  if (square) return lower_unary_as(input, {Unary::kSquare, 0, 0});
  if (input.in_format(0) == Format::kF32 && input.in_format(1) == Format::kF32) {
    return lower_binary(input);
  }
  const auto base = element_of(input.in_format(0));
  const auto exponent = element_of(input.in_format(1));
  const auto pairs = pairs_of(input);
  if (!base || !exponent || !pairs) return std::optional<Lowered>();
  constexpr int64_t kPiece = 256;
  const KernelTable* kernels = input.setup.kernels;
  const int64_t base_bytes = pairs->a_bytes;
  const int64_t exponent_bytes = pairs->b_bytes;
  return pair_step(
      input, *pairs, "power",
      [=, base = *base, exponent = *exponent](Elements a, Elements b, std::byte* y, int64_t n) {
        double wide[kPiece];
        const auto* from_a = static_cast<const std::byte*>(a.data);
        const auto* from_b = static_cast<const std::byte*>(b.data);
        for (int64_t at = 0; at < n; at += kPiece) {
          const int64_t count = std::min(kPiece, n - at);
          const int64_t exponents = b.step == 0 ? 1 : count;
          kernels->convert(exponent, from_b + at * b.step * exponent_bytes, Element::kF64, wide,
                           exponents);
          kernels->power_any(base, {from_a + at * a.step * base_bytes, a.step}, {wide, b.step},
                             y + at * base_bytes, count);
        }
      });
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
  const auto type = element_of(input.in_format(0));
  const auto pairs = pairs_of(input);
  const bool fits =
      row != std::end(kCompare) && type && pairs && input.in_format(0) == input.in_format(1);
  if (!fits) return std::optional<Lowered>();
  return pair_step(input, *pairs, "compare",
                   [kernels = input.setup.kernels, op = row->kernel, type = *type](
                       Elements a, Elements b, std::byte* y, int64_t n) {
                     auto* to = reinterpret_cast<uint8_t*>(y);
                     const auto spread = type == Element::kF32 ? spread_of(a, b) : std::nullopt;
                     if (!spread) return kernels->compare_any(op, type, a, b, to, n);
                     kernels->compare(op, floats(a), floats(b), to, n, *spread);
                   });
}

struct LogicRow {
  std::string_view op;
  Logic kernel;
};
constexpr LogicRow kLogic[] = {{"And", Logic::kAnd}, {"Or", Logic::kOr}, {"Xor", Logic::kXor}};

Result<std::optional<Lowered>> lower_logic(const LowerInput& input) {
  const auto* row = std::ranges::find(kLogic, std::string_view(input.node.op), &LogicRow::op);
  const auto pairs = pairs_of(input);
  if (row == std::end(kLogic) || !pairs || input.in_format(0) != Format::kBool) {
    return std::optional<Lowered>();
  }
  return pair_step(input, *pairs, "logic",
                   [kernels = input.setup.kernels, op = row->kernel](Elements a, Elements b,
                                                                     std::byte* y, int64_t n) {
                     kernels->logic(op, a, b, reinterpret_cast<uint8_t*>(y), n);
                   });
}

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
  step.kind = devices::KernelKind::kMovement;
  step.crew = crew_for(loop.elements());
  step.run = [=](StepContext& context) {
    const auto share = context.share(loop.elements(), kElementwiseGrain);
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

constexpr OperatorRow kRows[] = {
    {"Add", "binary", lower_binary},       {"And", "logic", lower_logic},
    {"Div", "binary", lower_div},          {"Equal", "compare", lower_compare},
    {"Greater", "compare", lower_compare}, {"GreaterOrEqual", "compare", lower_compare},
    {"Less", "compare", lower_compare},    {"LessOrEqual", "compare", lower_compare},
    {"Max", "binary", lower_variadic},     {"Min", "binary", lower_variadic},
    {"Mul", "binary", lower_binary},       {"Or", "logic", lower_logic},
    {"Pow", "power", lower_pow},           {"Sub", "binary", lower_binary},
    {"Where", "select", lower_where},      {"Xor", "logic", lower_logic},
};

}  // namespace

std::span<const OperatorRow> broadcast_operators() { return kRows; }

}  // namespace tenwatt::cpu
