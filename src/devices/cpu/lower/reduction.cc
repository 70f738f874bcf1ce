// Operators over rows of the last axes: softmax, normalisations, reductions. Members own rows, so a
// row's sum is one member's fixed tree.
#include <algorithm>

#include "devices/cpu/lower/lower.h"

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
  step.crew = crew_for(extent.rows * extent.n);
  step.run = [=](StepContext& context) {
    const auto share = context.share(extent.rows);
    if (share.begin >= share.end) return;
    apply(context, Rows{context.at<const float>(x) + share.begin * extent.n, extent.n,
                        context.at<float>(y) + share.begin * out_n, out_n, share.end - share.begin,
                        extent.n});
  };
  return step;
}

Result<std::optional<Lowered>> lower_softmax(const LowerInput& input) {
  const Shape& shape = input.in_shape(0);
  const int64_t rank = static_cast<int64_t>(shape.size());
  const int64_t axis = input.node.integer("axis", -1);
  const auto extent = rows_from(shape, -1);
  const bool last = axis == -1 || axis == rank - 1;
  if (!extent || !last || rank == 0 || input.in_format(0) != Format::kF32) {
    return std::optional<Lowered>();
  }
  const auto function = input.setup.kernels->softmax;
  Lowered lowered;
  lowered.reads = {input.in(0)};
  lowered.step = row_step(input, *extent, extent->n, "softmax",
                          [=](const StepContext&, const Rows& rows) { function(rows); });
  return lowered;
}

bool is_row_vector(const LowerInput& input, size_t index, int64_t n) {
  return input.in_format(index) == Format::kF32 && elements(input.in_shape(index)) == n;
}

Result<std::optional<Lowered>> lower_layer_norm(const LowerInput& input) {
  const graph::Node& node = input.node;
  const auto extent = rows_from(input.in_shape(0), node.integer("axis", -1));
  const bool single =
      std::ranges::count_if(node.outputs, [](ValueId id) { return id != graph::kNoValue; }) == 1;
  const bool fits = extent && single && input.in_format(0) == Format::kF32 && input.has(1) &&
                    is_row_vector(input, 1, extent->n) &&
                    (!input.has(2) || is_row_vector(input, 2, extent->n));
  if (!fits) return std::optional<Lowered>();
  const auto function = input.setup.kernels->layer_norm;
  const ValueId weight = input.in(1);
  const ValueId bias = input.has(2) ? input.in(2) : graph::kNoValue;
  const float epsilon = node.real("epsilon", 1e-5f);
  Lowered lowered;
  lowered.reads = {input.in(0), weight, bias};
  lowered.step = row_step(
      input, *extent, extent->n, "layer_norm", [=](const StepContext& context, const Rows& rows) {
        function(rows, context.at<const float>(weight),
                 bias == graph::kNoValue ? nullptr : context.at<const float>(bias), epsilon);
      });
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

/// The reduced axes, ascending; nullopt where they are not known before the run.
std::optional<std::vector<int64_t>> reduced_axes(const LowerInput& input) {
  const int64_t rank = static_cast<int64_t>(input.in_shape(0).size());
  std::vector<int64_t> axes = input.node.integers("axes");
  if (input.has(1)) {
    const auto given = input.integers(input.in(1));
    if (!given) return std::nullopt;
    axes = *given;
  }
  if (axes.empty()) {
    if (input.node.integer("noop_with_empty_axes", 0)) return std::nullopt;
    for (int64_t axis = 0; axis < rank; ++axis) axes.push_back(axis);
  }
  for (int64_t& axis : axes) axis += axis < 0 ? rank : 0;
  std::ranges::sort(axes);
  return axes;
}

Result<std::optional<Lowered>> lower_reduce(const LowerInput& input) {
  const auto* row = std::ranges::find(kReductions, std::string_view(input.node.op), &ReduceRow::op);
  const auto axes = reduced_axes(input);
  if (row == std::end(kReductions) || !axes || axes->empty() ||
      input.in_format(0) != Format::kF32) {
    return std::optional<Lowered>();
  }
  // Only the last axes, without a gap: they are one contiguous row.
  const Shape& shape = input.in_shape(0);
  const int64_t rank = static_cast<int64_t>(shape.size());
  for (size_t i = 0; i < axes->size(); ++i) {
    if ((*axes)[i] != rank - static_cast<int64_t>(axes->size() - i)) {
      return std::optional<Lowered>();
    }
  }
  const auto extent = rows_from(shape, axes->front());
  if (!extent) return std::optional<Lowered>();
  const auto function = input.setup.kernels->reduce;
  Lowered lowered;
  lowered.reads = {input.in(0)};
  lowered.step =
      row_step(input, *extent, 1, "reduce " + input.node.op,
               [=, op = row->kernel](const StepContext&, const Rows& rows) { function(op, rows); });
  return lowered;
}

constexpr OperatorRow kRows[] = {
    {"LayerNormalization", "layer_norm", lower_layer_norm},
    {"ReduceMax", "reduce", lower_reduce},
    {"ReduceMean", "reduce", lower_reduce},
    {"ReduceMin", "reduce", lower_reduce},
    {"ReduceProd", "reduce", lower_reduce},
    {"ReduceSum", "reduce", lower_reduce},
    {"RmsNorm", "rms_norm", lower_rms_norm},
    {"Softmax", "softmax", lower_softmax},
};

}  // namespace

std::span<const OperatorRow> reduction_operators() { return kRows; }

}  // namespace tenwatt::cpu
