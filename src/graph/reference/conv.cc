// Convolution and its transpose over one to three spatial axes, with groups.
//
// Both are one relation between a small grid and a large one: along each axis, tap k joins small
// index s to large index s*stride + k*dilation - pad. Conv sums over the large grid into the small
// one; ConvTranspose goes the other way. Fewer than three axes are led by axes of one.
#include <limits>

#include "graph/reference/kernel.h"

namespace tenwatt::graph::reference {
namespace {

constexpr size_t kAxes = 3;

struct Axis {
  int64_t small = 1;
  int64_t large = 1;
  int64_t kernel = 1;
  int64_t stride = 1;
  int64_t dilation = 1;
  int64_t pad = 0;  ///< before the first element of the large grid

  int64_t reach() const { return (kernel - 1) * dilation + 1; }
  /// The small indices whose large partner under tap k exists.
  struct Overlap {
    int64_t begin;
    int64_t end;
    int64_t shift;  ///< large = small * stride + shift
  };
  Overlap overlap(int64_t k) const {
    int64_t shift = k * dilation - pad;
    int64_t begin = shift >= 0 ? 0 : (-shift + stride - 1) / stride;
    int64_t end = shift >= large ? 0 : (large - 1 - shift) / stride + 1;
    return {begin, std::min(end, small), shift};
  }
};
using Grid = std::array<Axis, kAxes>;

int64_t small_size(const Grid& grid) { return grid[0].small * grid[1].small * grid[2].small; }
int64_t large_size(const Grid& grid) { return grid[0].large * grid[1].large * grid[2].large; }
int64_t kernel_size(const Grid& grid) { return grid[0].kernel * grid[1].kernel * grid[2].kernel; }

/// Calls run(tap, small offset, large offset, count, large stride) for all pairs of the relation.
template <class Run>
void for_pairs(const Grid& grid, Run&& run) {
  const auto& [depth, height, width] = grid;
  int64_t tap = 0;
  for (int64_t kd = 0; kd < depth.kernel; ++kd) {
    auto along_depth = depth.overlap(kd);
    for (int64_t kh = 0; kh < height.kernel; ++kh) {
      auto along_height = height.overlap(kh);
      for (int64_t kw = 0; kw < width.kernel; ++kw, ++tap) {
        auto along = width.overlap(kw);
        if (along.begin >= along.end) continue;
        int64_t first = along.begin * width.stride + along.shift;
        for (int64_t d = along_depth.begin; d < along_depth.end; ++d) {
          int64_t large_d = d * depth.stride + along_depth.shift;
          for (int64_t h = along_height.begin; h < along_height.end; ++h) {
            int64_t large_h = h * height.stride + along_height.shift;
            run(tap, (d * height.small + h) * width.small + along.begin,
                (large_d * height.large + large_h) * width.large + first, along.end - along.begin,
                width.stride);
          }
        }
      }
    }
  }
}

/// What the attributes of both operators say about each spatial axis, before padding is settled.
struct Plan {
  Grid grid;
  size_t spatial = 0;
  int64_t groups = 1;
  std::string auto_pad;
  Integers pads;
  Axis& axis(size_t i) { return grid[kAxes - spatial + i]; }
};

Status positive(const Integers& numbers, size_t count, std::string_view name) {
  constexpr int64_t kMost = std::numeric_limits<int32_t>::max();
  if (numbers.size() != count) return invalid(std::string(name) + " needs a number per axis");
  for (int64_t number : numbers) {
    if (number < 1 || number > kMost) return invalid(std::string(name) + " out of bounds");
  }
  return {};
}

Result<Plan> plan_of(const Node& node, const Tensor& x, const Tensor& w) {
  if (x.rank() < 3 || x.rank() > 2 + static_cast<int64_t>(kAxes)) {
    return fail(ErrorCode::kUnsupported, "convolution over " + to_string(x.shape()),
                "one to three spatial axes are supported");
  }
  if (w.rank() != x.rank()) return invalid("W and X differ in rank");
  Plan plan;
  plan.spatial = x.shape().size() - 2;
  plan.groups = node.integer("group", 1);
  plan.auto_pad = node.text("auto_pad", "NOTSET");
  Integers kernel(w.shape().begin() + 2, w.shape().end());
  Integers ones(plan.spatial, 1);
  Integers strides = node.integers("strides", ones);
  Integers dilations = node.integers("dilations", ones);
  plan.pads = node.integers("pads", Integers(2 * plan.spatial, 0));
  if (node.integers("kernel_shape", kernel) != kernel) return invalid("kernel_shape is not W's");
  TENWATT_TRY(positive(kernel, plan.spatial, "kernel_shape"));
  TENWATT_TRY(positive(strides, plan.spatial, "strides"));
  TENWATT_TRY(positive(dilations, plan.spatial, "dilations"));
  if (plan.pads.size() != 2 * plan.spatial) return invalid("pads needs two numbers per axis");
  for (int64_t pad : plan.pads) {
    if (pad < 0 || pad > std::numeric_limits<int32_t>::max()) return invalid("pads out of bounds");
  }
  int64_t channels = x.shape()[1];
  if (plan.groups < 1 || channels % plan.groups != 0 || w.shape()[0] % plan.groups != 0) {
    return invalid("group does not divide the channels");
  }
  for (size_t i = 0; i < plan.spatial; ++i) {
    plan.axis(i).kernel = kernel[i];
    plan.axis(i).stride = strides[i];
    plan.axis(i).dilation = dilations[i];
  }
  return plan;
}

/// Splits the padding of an axis in two; an odd element goes to the end for SAME_UPPER.
int64_t first_share(int64_t total, const std::string& auto_pad) {
  return auto_pad == "SAME_UPPER" ? total / 2 : total - total / 2;
}

Status settle_conv(Plan& plan, const Tensor& x) {
  for (size_t i = 0; i < plan.spatial; ++i) {
    Axis& axis = plan.axis(i);
    axis.large = x.shape()[i + 2];
    int64_t total = plan.pads[i] + plan.pads[i + plan.spatial];
    axis.pad = plan.pads[i];
    if (plan.auto_pad == "VALID") {
      total = axis.pad = 0;
    } else if (plan.auto_pad.starts_with("SAME")) {
      int64_t wanted = (axis.large + axis.stride - 1) / axis.stride;
      total = std::max<int64_t>(0, (wanted - 1) * axis.stride + axis.reach() - axis.large);
      axis.pad = first_share(total, plan.auto_pad);
    }
    int64_t room = axis.large + total - axis.reach();
    if (room < 0) return invalid("the kernel is larger than the padded input");
    axis.small = room / axis.stride + 1;
  }
  return {};
}

Status settle_transpose(const Node& node, Plan& plan, const Tensor& x) {
  Integers extra = node.integers("output_padding", Integers(plan.spatial, 0));
  Integers wanted = node.integers("output_shape");
  if (extra.size() != plan.spatial) return invalid("output_padding needs a number per axis");
  if (wanted.size() == plan.spatial + 2) wanted.erase(wanted.begin(), wanted.begin() + 2);
  if (!wanted.empty() && wanted.size() != plan.spatial) {
    return invalid("output_shape needs a number per axis");
  }
  for (size_t i = 0; i < plan.spatial; ++i) {
    Axis& axis = plan.axis(i);
    axis.small = x.shape()[i + 2];
    int64_t whole = (axis.small - 1) * axis.stride + extra[i] + axis.reach();
    int64_t total = plan.pads[i] + plan.pads[i + plan.spatial];
    axis.pad = plan.pads[i];
    bool same = plan.auto_pad.starts_with("SAME");
    axis.large = whole - total;
    if (!wanted.empty() || same) {
      axis.large = wanted.empty() ? axis.small * axis.stride : wanted[i];
      axis.pad = first_share(std::max<int64_t>(0, whole - axis.large), plan.auto_pad);
    } else if (plan.auto_pad == "VALID") {
      axis.large = whole;
      axis.pad = 0;
    }
    if (extra[i] < 0 || axis.large < 0) return invalid("the padding is larger than the output");
  }
  return {};
}

/// Starts the sums of one output plane at the channel's bias.
template <class T>
void start_plane(std::span<double> plane, const Tensor* bias, int64_t channel) {
  double start =
      bias == nullptr ? 0.0 : static_cast<double>(bias->values<T>()[static_cast<size_t>(channel)]);
  std::ranges::fill(plane, start);
}

template <class T>
void convolve(const Plan& plan, const Tensor& x, const Tensor& w, const Tensor* bias,
              Tensor& result) {
  const Grid& grid = plan.grid;
  int64_t channels = w.shape()[1];  // of one group
  int64_t outputs = w.shape()[0];
  int64_t taps = kernel_size(grid);
  std::vector<double> plane(static_cast<size_t>(small_size(grid)));
  T* to = result.mutable_values<T>().data();
  for (int64_t n = 0; n < x.shape()[0]; ++n) {
    for (int64_t m = 0; m < outputs; ++m) {
      int64_t first = m / (outputs / plan.groups) * channels;
      start_plane<T>(plane, bias, m);
      for (int64_t c = 0; c < channels; ++c) {
        const T* from = x.values<T>().data() + (n * x.shape()[1] + first + c) * large_size(grid);
        const T* kernel = w.values<T>().data() + (m * channels + c) * taps;
        for_pairs(grid,
                  [&](int64_t tap, int64_t small, int64_t large, int64_t count, int64_t stride) {
                    double weight = kernel[tap];
                    double* sums = plane.data() + small;
                    const T* input = from + large;
                    for (int64_t i = 0; i < count; ++i) sums[i] += weight * input[i * stride];
                  });
      }
      to = std::ranges::transform(plane, to, narrow<T>).out;
    }
  }
}

template <class T>
void convolve_back(const Plan& plan, const Tensor& x, const Tensor& w, const Tensor* bias,
                   Tensor& result) {
  const Grid& grid = plan.grid;
  int64_t channels = x.shape()[1] / plan.groups;
  int64_t outputs = w.shape()[1];  // of one group
  int64_t taps = kernel_size(grid);
  std::vector<double> plane(static_cast<size_t>(large_size(grid)));
  T* to = result.mutable_values<T>().data();
  for (int64_t n = 0; n < x.shape()[0]; ++n) {
    for (int64_t m = 0; m < outputs * plan.groups; ++m) {
      int64_t first = m / outputs * channels;
      start_plane<T>(plane, bias, m);
      for (int64_t c = first; c < first + channels; ++c) {
        const T* from = x.values<T>().data() + (n * x.shape()[1] + c) * small_size(grid);
        const T* kernel = w.values<T>().data() + (c * outputs + m % outputs) * taps;
        for_pairs(grid,
                  [&](int64_t tap, int64_t small, int64_t large, int64_t count, int64_t stride) {
                    double weight = kernel[tap];
                    double* sums = plane.data() + large;
                    const T* input = from + small;
                    for (int64_t i = 0; i < count; ++i) sums[i * stride] += weight * input[i];
                  });
      }
      to = std::ranges::transform(plane, to, narrow<T>).out;
    }
  }
}

Status check_bias(const Tensor* bias, Format format, int64_t channels) {
  if (bias == nullptr || (bias->format() == format && bias->shape() == Shape{channels})) return {};
  return invalid("B must hold one number per output channel");
}

/// The shape [batch, channels, spatial...] of a result.
Shape result_shape(const Plan& plan, int64_t batch, int64_t channels, int64_t Axis::* extent) {
  Shape shape{batch, channels};
  for (size_t i = kAxes - plan.spatial; i < kAxes; ++i) shape.push_back(plan.grid[i].*extent);
  return shape;
}

Outputs conv(const Node& node, Inputs inputs, const ReferenceContext&) {
  const Tensor& x = *TENWATT_TRY(need(inputs, 0, "X"));
  const Tensor& w = *TENWATT_TRY(need_format(inputs, 1, "W", x.format()));
  const Tensor* bias = maybe(inputs, 2);
  Plan plan = TENWATT_TRY(plan_of(node, x, w));
  if (w.shape()[1] * plan.groups != x.shape()[1]) return invalid("W has other channels than X");
  TENWATT_TRY(check_bias(bias, x.format(), w.shape()[0]));
  TENWATT_TRY(settle_conv(plan, x));
  Tensor result = TENWATT_TRY(
      Tensor::create(x.format(), result_shape(plan, x.shape()[0], w.shape()[0], &Axis::small)));
  if (result.count() == 0) return one(std::move(result));
  TENWATT_TRY(with_float(x.format(), "X", [&]<class T>() -> Status {
    convolve<T>(plan, x, w, bias, result);
    return {};
  }));
  return one(std::move(result));
}

Outputs conv_transpose(const Node& node, Inputs inputs, const ReferenceContext&) {
  const Tensor& x = *TENWATT_TRY(need(inputs, 0, "X"));
  const Tensor& w = *TENWATT_TRY(need_format(inputs, 1, "W", x.format()));
  const Tensor* bias = maybe(inputs, 2);
  Plan plan = TENWATT_TRY(plan_of(node, x, w));
  if (w.shape()[0] != x.shape()[1]) return invalid("W has other channels than X");
  int64_t channels = w.shape()[1] * plan.groups;
  TENWATT_TRY(check_bias(bias, x.format(), channels));
  TENWATT_TRY(settle_transpose(node, plan, x));
  Tensor result = TENWATT_TRY(
      Tensor::create(x.format(), result_shape(plan, x.shape()[0], channels, &Axis::large)));
  if (result.count() == 0) return one(std::move(result));
  TENWATT_TRY(with_float(x.format(), "X", [&]<class T>() -> Status {
    convolve_back<T>(plan, x, w, bias, result);
    return {};
  }));
  return one(std::move(result));
}

}  // namespace

std::span<const Entry> conv_kernels() {
  static constexpr Entry kEntries[] = {{"Conv", conv}, {"ConvTranspose", conv_transpose}};
  return kEntries;
}

}  // namespace tenwatt::graph::reference
