// The relation between the two grids of a convolution or pooling: along each axis, tap k joins
// small index s to large index s * stride + k * dilation - pad. Conv and pooling sum over the large
// grid into the small one; ConvTranspose goes the other way. Up to three spatial axes; fewer are
// led by axes of one.
#pragma once

#include <array>
#include <optional>

#include "devices/cpu/lower/lower.h"

namespace tenwatt::cpu {

inline constexpr size_t kGridAxes = 3;

struct GridAxis {
  int64_t in = 1;
  int64_t out = 1;
  int64_t kernel = 1;
  int64_t stride = 1;
  int64_t dilation = 1;
  int64_t pad = 0;  ///< before the first element of the large grid
  enum class Sums : uint8_t { kIntoSmall, kIntoLarge } sums = Sums::kIntoSmall;

  /// The input index that tap k of output o reads, or -1 where there is none.
  int64_t source(int64_t o, int64_t k) const {
    if (sums == Sums::kIntoSmall) {
      const int64_t at = o * stride + k * dilation - pad;
      return at < in && at >= 0 ? at : -1;
    }
    const int64_t at = o + pad - k * dilation;
    return at >= 0 && at % stride == 0 && at / stride < in ? at / stride : -1;
  }
};
using Grid = std::array<GridAxis, kGridAxes>;

/// Number of input elements, output elements or taps of all axes.
int64_t grid_size(const Grid& grid, int64_t GridAxis::* extent);

/// The grid of a node with input [batch, channels, spatial...] and an output of that rank, from the
/// node's attributes; nullopt where they don't fit.
std::optional<Grid> grid_of(const LowerInput& input, const std::vector<int64_t>& kernel,
                            GridAxis::Sums sums);

}  // namespace tenwatt::cpu
