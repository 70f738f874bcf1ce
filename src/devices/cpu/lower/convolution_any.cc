// Convolutions of any form, as products: the inputs under the taps of a tile of outputs are
// gathered to columns, and the weights multiply them. Each output is one sum in ascending channel
// and tap, like that of the fast forms over time (lower/convolution.cc).
#include "devices/cpu/lower/convolution_any.h"
#include "devices/cpu/arena.h"
#include "devices/cpu/lower/grid.h"
#include "devices/cpu/lower/typed.h"

namespace tenwatt::cpu {
namespace {

using graph::ValueId;

constexpr int64_t kTile = 64;

struct AnyConvolution {
  const KernelTable* kernels;
  Element type;
  int64_t bytes;  ///< of one element
  Grid grid;
  ValueId x, w, bias, y;
  int64_t batch;
  int64_t groups;
  int64_t channels;  ///< of one group's input
  int64_t outputs;   ///< of one group

  int64_t taps() const { return grid_size(grid, &GridAxis::kernel); }
  int64_t k() const { return channels * taps(); }
  int64_t in_plane() const { return grid_size(grid, &GridAxis::in); }
  int64_t out_plane() const { return grid_size(grid, &GridAxis::out); }
  bool transposed() const { return grid.back().sums == GridAxis::Sums::kIntoLarge; }
  size_t columns_bytes() const { return align_up(static_cast<size_t>(k() * kTile * bytes)); }
  size_t weights_bytes() const {
    return align_up(static_cast<size_t>(groups * outputs * k() * bytes));
  }
};

/// The offset in the input plane that each output of a tile reads under one tap, or -1.
void sources_of(const Grid& grid, int64_t tap, int64_t first, int64_t count, int64_t* offsets) {
  const auto& [depth, height, width] = grid;
  const int64_t kw = tap % width.kernel;
  const int64_t kh = tap / width.kernel % height.kernel;
  const int64_t kd = tap / width.kernel / height.kernel;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t o = first + i;
    const int64_t w = width.source(o % width.out, kw);
    const int64_t h = height.source(o / width.out % height.out, kh);
    const int64_t d = depth.source(o / width.out / height.out, kd);
    offsets[i] = w < 0 || h < 0 || d < 0 ? -1 : (d * height.in + h) * width.in + w;
  }
}

/// Columns [channel][tap][kTile] of one group's input.
template <class T>
void gather_columns(const AnyConvolution& c, const T* x, int64_t first, int64_t count, T* to) {
  const int64_t taps = c.taps();
  const int64_t plane = c.in_plane();
  int64_t offsets[kTile];
  for (int64_t tap = 0; tap < taps; ++tap) {
    sources_of(c.grid, tap, first, count, offsets);
    for (int64_t channel = 0; channel < c.channels; ++channel) {
      const T* from = x + channel * plane;
      T* column = to + (channel * taps + tap) * kTile;
      for (int64_t i = 0; i < count; ++i) column[i] = offsets[i] < 0 ? T(0) : from[offsets[i]];
    }
  }
}

/// ConvTranspose's weights [group][channel][output][tap] as rows [group][output][channel][tap].
template <class T>
void turn_weights(const AnyConvolution& c, const StepContext& context) {
  const T* w = context.at<const T>(c.w);
  T* to = reinterpret_cast<T*>(context.shared_scratch);
  const int64_t taps = c.taps();
  const auto share = context.share(c.groups * c.outputs);
  for (int64_t row = share.begin; row < share.end; ++row) {
    const int64_t group = row / c.outputs;
    for (int64_t channel = 0; channel < c.channels; ++channel) {
      const T* from = w + ((group * c.channels + channel) * c.outputs + row % c.outputs) * taps;
      T* line = to + row * c.k() + channel * taps;
      for (int64_t tap = 0; tap < taps; ++tap) line[tap] = from[tap];
    }
  }
}

/// One tile of outputs of one group of one batch item, all its channels.
template <class T>
void run_tile(const AnyConvolution& c, const StepContext& context, const T* weights, int64_t item,
              int64_t first) {
  const int64_t plane = c.out_plane();
  const int64_t count = std::min(kTile, plane - first);
  const int64_t group = item % c.groups;
  T* columns = reinterpret_cast<T*>(context.member_scratch);
  gather_columns(c, context.at<const T>(c.x) + item * c.channels * c.in_plane(), first, count,
                 columns);
  T* y = context.at<T>(c.y) + item * c.outputs * plane + first;
  multiply(*c.kernels,
           {c.type, weights + group * c.outputs * c.k(), c.k(), 1, columns, kTile, 1, y, plane,
            c.outputs, count, c.k()},
           nullptr);
  if (c.bias == graph::kNoValue) return;
  const T* bias = context.at<const T>(c.bias) + group * c.outputs;
  for (int64_t output = 0; output < c.outputs; ++output) {
    add_to_all(*c.kernels, c.type, reinterpret_cast<const std::byte*>(bias + output),
               reinterpret_cast<std::byte*>(y + output * plane), count);
  }
}

template <class T>
void run_any(const AnyConvolution& c, const StepContext& context) {
  const T* weights = context.at<const T>(c.w);
  if (c.transposed()) {
    turn_weights<T>(c, context);
    if (!context.barrier()) return;
    weights = reinterpret_cast<const T*>(context.shared_scratch);
  }
  const int64_t tiles = (c.out_plane() + kTile - 1) / kTile;
  const auto share = context.share(c.batch * c.groups * tiles);
  for (int64_t at = share.begin; at < share.end; ++at) {
    run_tile(c, context, weights, at / tiles, at % tiles * kTile);
  }
}

}  // namespace

Result<std::optional<Lowered>> lower_any_convolution(const LowerInput& input, GridAxis::Sums sums) {
  const auto type = element_of(input.in_format(0));
  const Shape& x = input.in_shape(0);
  const Shape& w = input.in_shape(1);
  const bool formats = type && is_float(*type) && input.in_format(1) == input.in_format(0) &&
                       (!input.has(2) || input.in_format(2) == input.in_format(0));
  if (!formats || w.size() < 3) return std::optional<Lowered>();
  const auto grid = grid_of(input, {w.begin() + 2, w.end()}, sums);
  const int64_t groups = input.node.integer("group", 1);
  if (!grid || groups < 1 || x[1] % groups != 0) return std::optional<Lowered>();
  const bool transposed = sums == GridAxis::Sums::kIntoLarge;
  AnyConvolution c{input.setup.kernels,
                   *type,
                   info(input.in_format(0)).bytes,
                   *grid,
                   input.in(0),
                   input.in(1),
                   input.has(2) ? input.in(2) : graph::kNoValue,
                   input.out(),
                   x[0],
                   groups,
                   x[1] / groups,
                   transposed ? w[1] : w[0] / groups};
  const bool channels = transposed ? w[0] == x[1] : w[1] * groups == x[1] && w[0] % groups == 0;
  if (!channels) return std::optional<Lowered>();
  Step step;
  step.kernel = std::string(transposed ? "conv_transpose " : "conv ") + c.kernels->name;
  const double products =
      static_cast<double>(elements(input.out_shape())) * static_cast<double>(c.k());
  step.crew = products < (1 << 16) ? Crew::kSolo : Crew::kAll;
  step.member_scratch = c.columns_bytes();
  step.shared_scratch = transposed ? c.weights_bytes() : 0;
  const auto run = *type == Element::kF32 ? run_any<float> : run_any<double>;
  step.run = [c, run](StepContext& context) { run(c, context); };
  Lowered lowered;
  lowered.reads = {c.x, c.w, c.bias};
  lowered.step = std::move(step);
  return lowered;
}

}  // namespace tenwatt::cpu
