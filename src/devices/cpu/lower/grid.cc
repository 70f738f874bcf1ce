#include "devices/cpu/lower/grid.h"

#include <algorithm>

namespace tenwatt::cpu {
namespace {

/// Splits the padding of an axis in two; an odd element goes to the end for SAME_UPPER.
int64_t first_share(int64_t total, const std::string& auto_pad) {
  return auto_pad == "SAME_UPPER" ? total / 2 : total - total / 2;
}

/// The padding before the first element.
int64_t pad_of(const GridAxis& axis, const std::string& auto_pad, int64_t given, int64_t extra,
               bool wants_shape) {
  const int64_t reach = (axis.kernel - 1) * axis.dilation + 1;
  const bool same = auto_pad.starts_with("SAME");
  if (axis.sums == GridAxis::Sums::kIntoLarge) {
    const int64_t whole = (axis.in - 1) * axis.stride + extra + reach;
    if (wants_shape || same) return first_share(std::max<int64_t>(0, whole - axis.out), auto_pad);
  } else if (same) {
    const int64_t total = (axis.out - 1) * axis.stride + reach - axis.in;
    return first_share(std::max<int64_t>(0, total), auto_pad);
  }
  return auto_pad == "VALID" ? 0 : given;
}

}  // namespace

int64_t grid_size(const Grid& grid, int64_t GridAxis::* extent) {
  return grid[0].*extent * (grid[1].*extent) * (grid[2].*extent);
}

std::optional<Grid> grid_of(const LowerInput& input, const std::vector<int64_t>& kernel,
                            GridAxis::Sums sums) {
  const Shape& in = input.in_shape(0);
  const Shape& out = input.out_shape();
  const size_t spatial = kernel.size();
  const bool ranks =
      spatial >= 1 && spatial <= kGridAxes && in.size() == spatial + 2 && out.size() == spatial + 2;
  if (!ranks) return std::nullopt;
  const graph::Node& node = input.node;
  const std::vector<int64_t> ones(spatial, 1);
  const auto strides = node.integers("strides", ones);
  const auto dilations = node.integers("dilations", ones);
  const auto pads = node.integers("pads", std::vector<int64_t>(2 * spatial, 0));
  const auto extra = node.integers("output_padding", std::vector<int64_t>(spatial, 0));
  const bool sizes = strides.size() == spatial && dilations.size() == spatial &&
                     pads.size() == 2 * spatial && extra.size() == spatial;
  if (!sizes) return std::nullopt;
  Grid grid;
  for (size_t i = 0; i < spatial; ++i) {
    GridAxis& axis = grid[kGridAxes - spatial + i];
    axis = {in[i + 2], out[i + 2], kernel[i], strides[i], dilations[i], 0, sums};
    if (axis.kernel < 1 || axis.stride < 1 || axis.dilation < 1) return std::nullopt;
    axis.pad = pad_of(axis, node.text("auto_pad", "NOTSET"), pads[i], extra[i],
                      !node.integers("output_shape").empty());
  }
  return grid;
}

}  // namespace tenwatt::cpu
