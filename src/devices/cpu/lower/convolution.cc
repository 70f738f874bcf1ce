// Convolutions over one spatial axis with constant weights: Conv (plain and depthwise) and
// ConvTranspose, alone or joined with their neighbours; other forms go to lower/convolution_any.h.
// Work is shared in tiles of 64 output times where there are many, else in blocks of output
// channels.
#include "devices/cpu/lower/convolution.h"

#include "devices/cpu/arena.h"
#include "devices/cpu/kernels/panels.h"
#include "devices/cpu/lower/convolution_any.h"
#include "devices/cpu/lower/lower.h"

namespace tenwatt::cpu {
namespace {

using graph::ValueId;

constexpr int64_t kTimeTile = 64;

const float* constant_bias(const LowerInput& input) {
  if (!input.has(2)) return nullptr;
  const ValueId id = input.in(2);
  const std::byte* data = input.weights.find(id, wanted_packing(input.graph, input.node, 2));
  return reinterpret_cast<const float*>(data ? data : input.weights.plain(id));
}

bool fits_1d(const LowerInput& input) {
  return input.in_shape(0).size() == 3 && input.in_shape(1).size() == 3 &&
         input.in_format(0) == Format::kF32 && input.is_constant(input.in(1)) &&
         (!input.has(2) || input.is_constant(input.in(2)));
}

/// One batch item's output region for a member.
struct Region {
  int64_t block_begin;
  int64_t block_end;
  int64_t t_begin;
  int64_t t_end;
};

Region region_of(const StepContext& context, int64_t blocks, int64_t times) {
  const int64_t tiles = (times + kTimeTile - 1) / kTimeTile;
  if (tiles >= 4 * context.member.size() || tiles > blocks) {
    const auto share = context.share(times, kTimeTile);
    return {0, blocks, share.begin, share.end};
  }
  const auto share = context.share(blocks);
  return {share.begin, share.end, 0, times};
}

/// Where a convolution reads and writes, and how its work is cut.
struct Operands {
  graph::ValueId in;
  graph::ValueId out;
  std::vector<graph::ValueId> residuals;
  int64_t batch;
  int64_t blocks;  ///< of output channels
  int64_t times;   ///< outputs along time
};

/// This member's region of every item of the batch.
template <class Convolution>
void run_region(const StepContext& context, const Convolution& whole, const Operands& operands,
                void (*kernel)(const Convolution&)) {
  const Region region = region_of(context, operands.blocks, operands.times);
  if (region.t_begin >= region.t_end || region.block_begin >= region.block_end) return;
  Convolution part = whole;
  part.block_begin = region.block_begin;
  part.block_end = region.block_end;
  part.t_begin = region.t_begin;
  part.t_end = region.t_end;
  part.scratch = reinterpret_cast<float*>(context.member_scratch);
  for (int64_t item = 0; item < operands.batch; ++item) {
    const int64_t at = item * whole.out_channels * operands.times;
    part.x = context.at<const float>(operands.in) + item * whole.in_channels * whole.in_length;
    part.y = context.at<float>(operands.out) + at;
    if constexpr (requires { part.ends; }) {
      for (size_t i = 0; i < operands.residuals.size(); ++i) {
        part.ends.residual[i] = context.at<const float>(operands.residuals[i]) + at;
      }
    }
    kernel(part);
  }
}

/// Inputs past the bias: what join_convolutions adds to the sums.
std::vector<ValueId> residuals_of(const LowerInput& input) {
  const auto& inputs = input.node.inputs;
  if (!is_joined_convolution(input.node)) return {};
  return {inputs.begin() + 3, inputs.end()};
}

float leak_of(const LowerInput& input) {
  return is_joined_convolution(input.node) ? input.node.real("leak", 1) : 1.0f;
}

ConvEnds ends_of(const LowerInput& input) {
  ConvEnds ends;
  if (!is_joined_convolution(input.node)) return ends;
  ends.leak = leak_of(input);
  ends.divisor = input.node.real("divisor", 1);
  if (input.node.integer("tanh", 0)) ends.out = ConvEnds::Out::kTanh;
  return ends;
}

/// "conv1d avx512", "conv1d bf16 avx512bf16"
std::string kernel_name(const LowerInput& input, std::string_view family, bool rounded) {
  return std::string(family) + (rounded ? " bf16 " : " ") + input.setup.kernels->name;
}

Crew crew_of(double products) { return products < (1 << 16) ? Crew::kSolo : Crew::kAll; }

Lowered finish(const LowerInput& input, Step step) {
  Lowered lowered;
  lowered.reads = residuals_of(input);
  lowered.reads.push_back(input.in(0));
  lowered.step = std::move(step);
  return lowered;
}

Result<std::optional<Lowered>> lower_depthwise(const LowerInput& input, const ConvAxis& g) {
  const Shape& x = input.in_shape(0);
  const Shape& w = input.in_shape(1);
  const Shape& y = input.out_shape();
  const Packing packing = wanted_packing(input.graph, input.node, 1);
  const std::byte* weights = input.weights.find(input.in(1), packing);
  if (!weights || w[0] != x[1]) return std::optional<Lowered>();
  DepthwiseConv1d c{};
  c.x_stride = x[2];
  c.in_length = x[2];
  c.kernel = w[2];
  c.stride = g.stride;
  c.dilation = g.dilation;
  c.pad = g.pad;
  c.weights = reinterpret_cast<const float*>(weights);
  c.bias = constant_bias(input);
  c.y_stride = y[2];
  c.t_end = y[2];
  const auto function = input.setup.kernels->depthwise_conv1d;
  Step step;
  step.kernel = std::string("depthwise_conv1d ") + input.setup.kernels->name;
  step.crew = crew_of(static_cast<double>(elements(y) * w[2]));
  step.run = [=, in = input.in(0), out = input.out(), batch = x[0],
              channels = x[1]](StepContext& context) {
    const auto share = context.share(channels);
    DepthwiseConv1d part = c;
    part.channel_begin = share.begin;
    part.channel_end = share.end;
    for (int64_t item = 0; item < batch && share.begin < share.end; ++item) {
      part.x = context.at<const float>(in) + item * channels * c.in_length;
      part.y = context.at<float>(out) + item * channels * c.t_end;
      function(part);
    }
  };
  return finish(input, std::move(step));
}

Result<std::optional<Lowered>> lower_conv_over_time(const LowerInput& input) {
  const auto g = conv_axis(input.node);
  if (!g || !fits_1d(input)) return std::optional<Lowered>();
  const Packing packing = wanted_packing(input.graph, input.node, 1);
  if (packing == Packing::kPlain || packing == Packing::kPlainF32) {
    return lower_depthwise(input, *g);
  }
  const std::byte* weights = input.weights.find(input.in(1), packing);
  if (!weights) return std::optional<Lowered>();
  const Shape& x = input.in_shape(0);
  const Shape& w = input.in_shape(1);
  const Shape& y = input.out_shape();
  Conv1d c{};
  c.x_stride = x[2];
  c.in_length = x[2];
  c.in_channels = x[1];
  c.out_channels = w[0];
  c.groups = input.node.integer("group", 1);
  c.kernel = w[2];
  c.stride = g->stride;
  c.dilation = g->dilation;
  c.pad = g->pad;
  c.weights = weights;
  c.bias = constant_bias(input);
  c.y_stride = y[2];
  c.ends = ends_of(input);
  if (c.groups < 1 || w[1] * c.groups != x[1]) return std::optional<Lowered>();
  const bool rounded = packing == Packing::kConvBf16;
  const KernelTable& kernels = *input.setup.kernels;
  const auto function = rounded ? kernels.conv1d_bf16 : kernels.conv1d;
  if (!function) return std::optional<Lowered>();
  const int64_t blocks = conv1d_blocks(c.out_channels, c.groups);
  Step step;
  step.kernel = kernel_name(input, "conv1d", rounded);
  step.crew = crew_of(static_cast<double>(elements(y)) * static_cast<double>(w[1] * w[2]));
  step.member_scratch = rounded ? conv_bf16_scratch_bytes(x[1], (w[2] - 1) * g->dilation)
                                : conv1d_scratch_floats(w[1], w[2]) * sizeof(float);
  step.run = [=, operands =
                     Operands{input.in(0), input.out(), residuals_of(input), x[0], blocks, y[2]}](
                 StepContext& context) { run_region(context, c, operands, function); };
  return finish(input, std::move(step));
}

Result<std::optional<Lowered>> lower_conv_transpose_over_time(const LowerInput& input) {
  const auto g = conv_axis(input.node);
  if (!g || !fits_1d(input)) return std::optional<Lowered>();
  const Packing packing = wanted_packing(input.graph, input.node, 1);
  const bool rounded = packing == Packing::kConvTransposeBf16;
  if (!rounded && packing != Packing::kConvTranspose) return std::optional<Lowered>();
  const std::byte* weights = input.weights.find(input.in(1), packing);
  const bool automatic = !input.node.integers("output_shape").empty();
  if (!weights || automatic) return std::optional<Lowered>();
  const Shape& x = input.in_shape(0);
  const Shape& w = input.in_shape(1);
  const Shape& y = input.out_shape();
  if (w[0] != x[1]) return std::optional<Lowered>();
  ConvTranspose1d c{};
  c.x_stride = x[2];
  c.in_length = x[2];
  c.in_channels = w[0];
  c.out_channels = w[1];
  c.kernel = w[2];
  c.stride = g->stride;
  c.pad = g->pad;
  c.weights = weights;
  c.bias = constant_bias(input);
  c.y_stride = y[2];
  c.leak = leak_of(input);
  const KernelTable& kernels = *input.setup.kernels;
  const auto function = rounded ? kernels.conv_transpose1d_bf16 : kernels.conv_transpose1d;
  if (!function) return std::optional<Lowered>();
  const int64_t blocks = conv1d_blocks(c.out_channels, 1);
  const int64_t taps = (c.kernel + c.stride - 1) / c.stride;
  Step step;
  step.kernel = kernel_name(input, "conv_transpose1d", rounded);
  step.crew = crew_of(static_cast<double>(elements(y)) * static_cast<double>(w[0] * taps));
  step.member_scratch = rounded ? conv_bf16_scratch_bytes(c.in_channels, taps - 1)
                                : conv1d_scratch_floats(c.in_channels, taps) * sizeof(float);
  step.run = [=, operands = Operands{input.in(0), input.out(), {}, x[0], blocks, y[2]}](
                 StepContext& context) { run_region(context, c, operands, function); };
  return finish(input, std::move(step));
}

Result<std::optional<Lowered>> lower_conv(const LowerInput& input) {
  auto lowered = TENWATT_TRY(lower_conv_over_time(input));
  if (lowered) return lowered;
  return lower_any_convolution(input, GridAxis::Sums::kIntoSmall);
}

Result<std::optional<Lowered>> lower_conv_transpose(const LowerInput& input) {
  auto lowered = TENWATT_TRY(lower_conv_transpose_over_time(input));
  if (lowered) return lowered;
  return lower_any_convolution(input, GridAxis::Sums::kIntoLarge);
}

constexpr OperatorRow kRows[] = {
    {"Conv", "conv1d", lower_conv},
    {"ConvTranspose", "conv_transpose1d", lower_conv_transpose},
};

}  // namespace

std::optional<ConvAxis> conv_axis(const graph::Node& node) {
  const std::string padding = node.text("auto_pad", "NOTSET");
  if (padding != "NOTSET" && padding != "VALID" && !padding.empty()) return std::nullopt;
  const auto strides = node.integers("strides", {1});
  const auto dilations = node.integers("dilations", {1});
  const auto pads = node.integers("pads", {0, 0});
  if (strides.size() != 1 || dilations.size() != 1 || pads.size() != 2) return std::nullopt;
  if (strides[0] < 1 || dilations[0] < 1 || pads[0] < 0) return std::nullopt;
  return ConvAxis{strides[0], dilations[0], padding == "VALID" ? 0 : pads[0]};
}

Result<Lowered> lower_joined_convolution(const LowerInput& input) {
  auto lowered = TENWATT_TRY(input.node.op == "JoinedConv" ? lower_conv_over_time(input)
                                                           : lower_conv_transpose_over_time(input));
  if (lowered) return std::move(*lowered);
  return fail(ErrorCode::kInternal, "a joined convolution has no kernel");
}

std::span<const OperatorRow> convolution_operators() { return kRows; }

}  // namespace tenwatt::cpu
