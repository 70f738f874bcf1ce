// Operators over lines along some axes: softmax, normalisations, reductions, running sums. Members
// own lines, so a line's sum is one member's fixed tree.
#include <algorithm>

#include "devices/cpu/arena.h"
#include "devices/cpu/lower/lines.h"
#include "devices/cpu/lower/lower.h"
#include "devices/cpu/lower/typed.h"

namespace tenwatt::cpu {
namespace {

using graph::ValueId;

/// Rows of `n` elements.
struct RowExtent {
  int64_t rows = 0;
  int64_t n = 0;
};

/// Splits a shape at `axis`: the axes from there on are one row. nullopt for empty rows.
std::optional<RowExtent> rows_from(const Shape& shape, int64_t axis) {
  const int64_t rank = static_cast<int64_t>(shape.size());
  if (axis < 0) axis += rank;
  if (axis < 0 || axis > rank) return std::nullopt;
  const int64_t n = elements(std::span(shape).subspan(static_cast<size_t>(axis)));
  if (n == 0) return std::nullopt;
  return RowExtent{elements(shape) / n, n};
}

/// A step that gives each member its range of rows of input 0 and output 0.
template <class Apply>
Step row_step(const LowerInput& input, RowExtent extent, int64_t out_n, std::string kernel,
              Apply apply) {
  const ValueId x = input.in(0);
  const ValueId y = input.out();
  Step step;
  step.kernel = std::move(kernel) + " " + input.setup.kernels->name;
  step.crew = crew_for_pure(extent.rows * extent.n);
  step.run = [=](StepContext& context) {
    const auto share = context.share(extent.rows);
    if (share.begin >= share.end) return;
    apply(context, Rows{context.at<const float>(x) + share.begin * extent.n, extent.n,
                        context.at<float>(y) + share.begin * out_n, out_n, share.end - share.begin,
                        extent.n});
  };
  return step;
}

/// Calls apply(first line, lines, rows in memory) for this member's lines, a block at a time.
template <class Apply>
void for_lines(const StepContext& context, const Lines& lines, ValueId x, int64_t bytes,
               Apply&& apply) {
  const auto share = context.share(lines.count());
  for (int64_t first = share.begin; first < share.end; first += lines.block()) {
    const int64_t n = std::min(lines.block(), share.end - first);
    apply(first, n,
          lines.read(context.at<const std::byte>(x), static_cast<size_t>(bytes), first, n,
                     context.member_scratch));
  }
}

Result<std::optional<Lowered>> lower_softmax(const LowerInput& input) {
  const Shape& shape = input.in_shape(0);
  const auto axis = axis_of(input.node.integer("axis", -1), shape.size());
  const auto lines = axis ? Lines::make(shape, {*axis}) : std::nullopt;
  const auto type = element_of(input.in_format(0));
  if (!lines || !type || !is_float(*type)) return std::optional<Lowered>();
  const KernelTable* kernels = input.setup.kernels;
  const ValueId x = input.in(0);
  const ValueId y = input.out();
  const size_t bytes = info(input.in_format(0)).bytes;
  const int64_t length = lines->length();
  Step step;
  step.kernel = std::string("softmax ") + kernels->name;
  step.crew = crew_for(elements(shape));
  step.member_scratch = align_up(2 * lines->scratch_bytes(bytes));
  step.run = [=, lines = *lines, type = *type](StepContext& context) {
    for_lines(context, lines, x, static_cast<int64_t>(bytes),
              [&](int64_t first, int64_t n, const std::byte* rows) {
                std::byte* result = lines.contiguous()
                                        ? context.at<std::byte>(y) + lines.offset(first, bytes)
                                        : context.member_scratch + lines.scratch_bytes(bytes);
                if (type == Element::kF32) {
                  kernels->softmax({reinterpret_cast<const float*>(rows), length,
                                    reinterpret_cast<float*>(result), length, n, length});
                } else {
                  for (int64_t i = 0; i < n; ++i) {
                    kernels->softmax_f64(reinterpret_cast<const double*>(rows) + i * length,
                                         reinterpret_cast<double*>(result) + i * length, length);
                  }
                }
                if (!lines.contiguous()) {
                  lines.write(result, bytes, first, n, context.at<std::byte>(y));
                }
              });
  };
  Lowered lowered;
  lowered.reads = {x};
  lowered.step = std::move(step);
  return lowered;
}

bool is_row_vector(const LowerInput& input, size_t index, int64_t n) {
  return input.in_format(index) == Format::kF32 && elements(input.in_shape(index)) == n;
}

/// A factor or summand of a normalisation, and how it is read along the input.
struct Affecting {
  ValueId id = graph::kNoValue;
  bool is_row = false;              ///< one f32 value per element of a row: the row kernel takes it
  std::optional<StridedLoop> loop;  ///< else; operands: output, this one
};

/// nullopt if input `index` doesn't broadcast to the input.
std::optional<Affecting> affecting(const LowerInput& input, size_t index, int64_t n) {
  if (!input.has(index)) return Affecting{};
  const Shape& shape = input.in_shape(0);
  const auto strides = broadcast_strides(input.in_shape(index), shape);
  if (!strides || input.in_format(index) != input.in_format(0)) return std::nullopt;
  Affecting own{input.in(index), is_row_vector(input, index, n), std::nullopt};
  if (own.is_row) return own;
  const Shape both[] = {contiguous_strides(shape), *strides};
  own.loop = StridedLoop::make(shape, both);
  if (!own.loop) return std::nullopt;
  return own;
}

/// y = op(y, operand) over elements [begin, end) of the tensor.
void affect(const KernelTable& kernels, Binary op, Element type, int64_t bytes,
            const Affecting& operand, const StepContext& context, ValueId y, int64_t begin,
            int64_t end) {
  if (!operand.loop) return;
  operand.loop->visit(begin, end, [&](const StridedLoop::Offsets& at, int64_t n) {
    std::byte* to = context.at<std::byte>(y) + at[0] * bytes;
    kernels.binary_any(
        op, type, {to, 1},
        {context.at<const std::byte>(operand.id) + at[1] * bytes, operand.loop->inner_stride(1)},
        to, n);
  });
}

/// Everything a layer normalisation step reads and writes.
struct LayerNormStep {
  const KernelTable* kernels;
  Element type;
  RowExtent extent;
  Affecting weight;
  Affecting bias;
  float epsilon;
  ValueId x, y, mean, inverse;

  static const float* row(const Affecting& operand, const StepContext& context) {
    return operand.is_row ? context.at<const float>(operand.id) : nullptr;
  }
  static float* statistic(ValueId id, const StepContext& context, int64_t first) {
    return id == graph::kNoValue ? nullptr : context.at<float>(id) + first;
  }

  void run(const StepContext& context) const {
    const auto share = context.share(extent.rows);
    if (share.begin >= share.end) return;
    const int64_t begin = share.begin * extent.n;
    const int64_t end = share.end * extent.n;
    float* means = statistic(mean, context, share.begin);
    float* inverses = statistic(inverse, context, share.begin);
    if (type == Element::kF32) {
      kernels->layer_norm(
          {context.at<const float>(x) + begin, extent.n, context.at<float>(y) + begin, extent.n,
           share.end - share.begin, extent.n},
          {row(weight, context), row(bias, context), epsilon, means, inverses});
    } else {
      for (int64_t r = share.begin; r < share.end; ++r) {
        const int64_t i = r - share.begin;
        kernels->normalise_f64(context.at<const double>(x) + r * extent.n,
                               context.at<double>(y) + r * extent.n, extent.n, epsilon,
                               means ? means + i : nullptr, inverses ? inverses + i : nullptr);
      }
    }
    const int64_t bytes = type == Element::kF32 ? 4 : 8;
    affect(*kernels, Binary::kMul, type, bytes, weight, context, y, begin, end);
    affect(*kernels, Binary::kAdd, type, bytes, bias, context, y, begin, end);
  }
};

Result<std::optional<Lowered>> lower_layer_norm(const LowerInput& input) {
  const graph::Node& node = input.node;
  const auto extent = rows_from(input.in_shape(0), node.integer("axis", -1));
  const auto type = element_of(input.in_format(0));
  if (!extent || !type || !is_float(*type)) return std::optional<Lowered>();
  auto weight = affecting(input, 1, extent->n);
  auto bias = affecting(input, 2, extent->n);
  if (!weight || !bias) return std::optional<Lowered>();
  if (weight->loop && bias->is_row) {
    // The row kernel would add before it multiplies; both go over the whole tensor then.
    const Shape& shape = input.in_shape(0);
    const Shape both[] = {contiguous_strides(shape), *broadcast_strides(input.in_shape(2), shape)};
    bias->loop = StridedLoop::make(shape, both);
    bias->is_row = false;
    if (!bias->loop) return std::optional<Lowered>();
  }
  const auto result = [&](size_t i) {
    return i < node.outputs.size() ? node.outputs[i] : graph::kNoValue;
  };
  const LayerNormStep norm{
      input.setup.kernels,         *type,       *extent,     *weight,   *bias,
      node.real("epsilon", 1e-5f), input.in(0), input.out(), result(1), result(2)};
  Lowered lowered;
  lowered.reads = {input.in(0), weight->id, bias->id};
  Step step;
  step.kernel = std::string("layer_norm ") + norm.kernels->name;
  step.crew = crew_for_pure(extent->rows * extent->n);
  step.run = [norm](StepContext& context) { norm.run(context); };
  lowered.step = std::move(step);
  return lowered;
}

Result<std::optional<Lowered>> lower_rms_norm(const LowerInput& input) {
  const auto extent = rows_from(input.in_shape(0), -1);
  const bool fits = extent && input.in_format(0) == Format::kF32 && input.has(1) &&
                    is_row_vector(input, 1, extent->n);
  if (!fits) return std::optional<Lowered>();
  const auto function = input.setup.kernels->rms_norm;
  const ValueId weight = input.in(1);
  const float epsilon = input.node.real("epsilon", 1e-5f);
  Lowered lowered;
  lowered.reads = {input.in(0), weight};
  lowered.step = row_step(input, *extent, extent->n, "rms_norm",
                          [=](const StepContext& context, const Rows& rows) {
                            function(rows, context.at<const float>(weight), epsilon);
                          });
  return lowered;
}

struct ReduceRow {
  std::string_view op;
  Reduce kernel;
};
constexpr ReduceRow kReductions[] = {
    {"ReduceMax", Reduce::kMax},      {"ReduceMean", Reduce::kMean}, {"ReduceMin", Reduce::kMin},
    {"ReduceProd", Reduce::kProduct}, {"ReduceSum", Reduce::kSum},
};

/// The reduced axes, ascending; empty for none; nullopt where they are not known before the run.
std::optional<std::vector<size_t>> reduced_axes(const LowerInput& input) {
  const int64_t rank = static_cast<int64_t>(input.in_shape(0).size());
  std::vector<int64_t> axes = input.node.integers("axes");
  if (input.has(1)) {
    const auto given = input.integers(input.in(1));
    if (!given) return std::nullopt;
    axes = *given;
  }
  const bool nothing = input.node.integer("noop_with_empty_axes", 0) != 0;
  if (axes.empty() && !nothing) {
    for (int64_t axis = 0; axis < rank; ++axis) axes.push_back(axis);
  }
  std::vector<size_t> wrapped;
  for (int64_t axis : axes) {
    const auto own = axis_of(axis, input.in_shape(0).size());
    if (!own) return std::nullopt;
    wrapped.push_back(*own);
  }
  std::ranges::sort(wrapped);
  wrapped.erase(std::ranges::unique(wrapped).begin(), wrapped.end());
  return wrapped;
}

/// Bools have a largest and a smallest, floats and integers everything.
bool reduces(Element type, Reduce op) {
  return type != Element::kBool || op == Reduce::kMax || op == Reduce::kMin;
}

Result<std::optional<Lowered>> lower_reduce(const LowerInput& input) {
  const auto* row = std::ranges::find(kReductions, std::string_view(input.node.op), &ReduceRow::op);
  const auto type = element_of(input.in_format(0));
  const auto axes = reduced_axes(input);
  if (row == std::end(kReductions) || !axes || !type || !reduces(*type, row->kernel)) {
    return std::optional<Lowered>();
  }
  Lowered lowered;
  if (axes->empty() && !input.in_shape(0).empty()) {
    lowered.aliases.push_back({input.out(), input.in(0), 0});
    return lowered;
  }
  const auto lines = Lines::make(input.in_shape(0), *axes);
  if (!lines) return std::optional<Lowered>();
  const KernelTable* kernels = input.setup.kernels;
  const ValueId x = input.in(0);
  const ValueId y = input.out();
  const int64_t bytes = info(input.in_format(0)).bytes;
  const int64_t length = lines->length();
  Step step;
  step.kernel = "reduce " + input.node.op + " " + kernels->name;
  step.crew = crew_for(lines->count() * length);
  step.member_scratch = align_up(lines->scratch_bytes(static_cast<size_t>(bytes)));
  step.run = [=, lines = *lines, type = *type, op = row->kernel](StepContext& context) {
    for_lines(context, lines, x, bytes, [&](int64_t first, int64_t n, const std::byte* rows) {
      std::byte* to = context.at<std::byte>(y) + first * bytes;
      if (type == Element::kF32) {
        return kernels->reduce(op, {reinterpret_cast<const float*>(rows), length,
                                    reinterpret_cast<float*>(to), 1, n, length});
      }
      for (int64_t i = 0; i < n; ++i) {
        kernels->reduce_any(op, type, rows + i * length * bytes, length, to + i * bytes);
      }
    });
  };
  lowered.reads = {x};
  lowered.step = std::move(step);
  return lowered;
}

// ---- CumSum ----------------------------------------------------------------------------------

int64_t integer_at(const StepContext& context, ValueId id, Format format) {
  return format == Format::kI32 ? *context.at<const int32_t>(id) : *context.at<const int64_t>(id);
}

/// The axis is read when the step runs: it changes no shape.
Result<std::optional<Lowered>> lower_cumsum(const LowerInput& input) {
  const auto type = element_of(input.in_format(0));
  const Format axis_format = input.in_format(1);
  const bool fits = type && *type != Element::kBool && elements(input.in_shape(1)) == 1 &&
                    (axis_format == Format::kI32 || axis_format == Format::kI64);
  if (!fits) return std::optional<Lowered>();
  constexpr Cumulate kKinds[2][2] = {{Cumulate::kForward, Cumulate::kForwardExclusive},
                                     {Cumulate::kReverse, Cumulate::kReverseExclusive}};
  const Cumulate kind = kKinds[input.node.integer("reverse", 0) != 0 ? 1 : 0]
                              [input.node.integer("exclusive", 0) != 0 ? 1 : 0];
  const KernelTable* kernels = input.setup.kernels;
  const ValueId x = input.in(0);
  const ValueId axis_id = input.in(1);
  const ValueId y = input.out();
  const int64_t bytes = info(input.in_format(0)).bytes;
  Step step;
  step.kernel = std::string("cumulate ") + kernels->name;
  step.crew = crew_for(elements(input.in_shape(0)));
  step.run = [=, type = *type, shape = input.in_shape(0)](StepContext& context) {
    const int64_t given = integer_at(context, axis_id, axis_format);
    const auto axis = axis_of(given, shape.size());
    if (!axis) {
      if (context.is_first()) {
        context.fail({ErrorCode::kOutOfRange,
                      "CumSum over axis " + std::to_string(given) + " of " + to_string(shape),
                      {}});
      }
      return;
    }
    const int64_t extent = shape[*axis];
    const int64_t inner = elements(std::span(shape).subspan(*axis + 1));
    const int64_t lines = elements(std::span(shape).first(*axis)) * inner;
    const auto share = context.share(lines);
    for (int64_t line = share.begin; line < share.end; ++line) {
      const int64_t at = (line / inner * extent * inner + line % inner) * bytes;
      kernels->cumulate(kind, type, context.at<const std::byte>(x) + at,
                        context.at<std::byte>(y) + at, extent, inner);
    }
  };
  Lowered lowered;
  lowered.reads = {x, axis_id};
  lowered.step = std::move(step);
  return lowered;
}

constexpr OperatorRow kRows[] = {
    {"CumSum", "cumulate", lower_cumsum},  {"LayerNormalization", "layer_norm", lower_layer_norm},
    {"ReduceMax", "reduce", lower_reduce}, {"ReduceMean", "reduce", lower_reduce},
    {"ReduceMin", "reduce", lower_reduce}, {"ReduceProd", "reduce", lower_reduce},
    {"ReduceSum", "reduce", lower_reduce}, {"RmsNorm", "rms_norm", lower_rms_norm},
    {"Softmax", "softmax", lower_softmax},
};

}  // namespace

std::span<const OperatorRow> reduction_operators() { return kRows; }

}  // namespace tenwatt::cpu
