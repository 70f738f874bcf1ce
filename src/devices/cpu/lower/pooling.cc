// MaxPool: members own planes.
#include "devices/cpu/lower/grid.h"
#include "devices/cpu/lower/typed.h"

namespace tenwatt::cpu {
namespace {

using graph::ValueId;

/// How indices count: along rows, or along columns (storage_order 1).
void set_index_steps(const Grid& grid, bool by_columns, MaxPool& pool) {
  const int64_t d = grid[0].in;
  const int64_t h = grid[1].in;
  const int64_t w = grid[2].in;
  const int64_t rows[] = {h * w, w, 1};
  const int64_t columns[] = {1, d, d * h};
  for (size_t i = 0; i < kGridAxes; ++i) pool.index_steps[i] = by_columns ? columns[i] : rows[i];
}

Result<std::optional<Lowered>> lower_max_pool(const LowerInput& input) {
  const auto type = element_of(input.in_format(0));
  const auto grid = grid_of(input, input.node.integers("kernel_shape"), GridAxis::Sums::kIntoSmall);
  if (!type || *type == Element::kBool || !grid) return std::optional<Lowered>();
  const Shape& x = input.in_shape(0);
  MaxPool pool{};
  pool.type = *type;
  for (size_t i = 0; i < kGridAxes; ++i) {
    const GridAxis& axis = (*grid)[i];
    pool.axes[i] = {axis.in, axis.out, axis.kernel, axis.stride, axis.dilation, axis.pad};
  }
  set_index_steps(*grid, input.node.integer("storage_order", 0) != 0, pool);
  const KernelTable* kernels = input.setup.kernels;
  const ValueId in = input.in(0);
  const ValueId out = input.out();
  const ValueId indices = input.node.outputs.size() > 1 ? input.out(1) : graph::kNoValue;
  const int64_t bytes = info(input.in_format(0)).bytes;
  const int64_t in_plane = grid_size(*grid, &GridAxis::in);
  const int64_t out_plane = grid_size(*grid, &GridAxis::out);
  Step step;
  step.kernel = std::string("max_pool ") + kernels->name;
  step.crew = crew_for(elements(input.out_shape()) * grid_size(*grid, &GridAxis::kernel));
  step.run = [=, planes = x[0] * x[1]](StepContext& context) {
    const auto share = context.share(planes);
    for (int64_t plane = share.begin; plane < share.end; ++plane) {
      MaxPool part = pool;
      part.x = context.at<const std::byte>(in) + plane * in_plane * bytes;
      part.y = context.at<std::byte>(out) + plane * out_plane * bytes;
      if (indices != graph::kNoValue) {
        part.indices = context.at<int64_t>(indices) + plane * out_plane;
        part.index_base = plane * in_plane;
      }
      kernels->max_pool(part);
    }
  };
  Lowered lowered;
  lowered.reads = {in};
  lowered.step = std::move(step);
  return lowered;
}

constexpr OperatorRow kRows[] = {{"MaxPool", "max_pool", lower_max_pool}};

}  // namespace

std::span<const OperatorRow> pooling_operators() { return kRows; }

}  // namespace tenwatt::cpu
