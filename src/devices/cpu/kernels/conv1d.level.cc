// Convolutions over time. A tile is up to 8 output channels x a few vectors of output times; its
// sums stay in registers while weights broadcast and samples stream, in the order (input channel,
// tap) for every output.
//
// Where all samples of a tile exist, lie side by side and are multiplied as they are, they are read
// in place. At the borders, for strides and behind a LeakyReLU, the tile's samples are first
// gathered into scratch with zeros outside the signal: the arithmetic is the same, so an output's
// bits don't depend on the tile it fell into. A transposed convolution is one convolution of stride
// 1 per phase of its stride.
#include "devices/cpu/kernels/conv_ends.h"
#include "devices/cpu/kernels/indices.h"
#include "devices/cpu/kernels/level.h"
#include "devices/cpu/simd/simd.h"

namespace tenwatt::cpu::TENWATT_LEVEL {
namespace {

constexpr int kTileChannels = kRegisters == 32 ? 8 : 4;
constexpr int kTileVectors = W == 8 ? 3 : 2;
// For one or two output channels, which have few sums to hide the latency of an add.
constexpr int kNarrowVectors = 4;
constexpr int64_t kNarrowChannels = 2;
static_assert(kNarrowVectors * W <= 64 && kTileVectors < kNarrowVectors);

// Samples of one tile: tap t of input channel c for output lane l is x[c * channel + t * tap + l].
struct Samples {
  const float* x;
  ptrdiff_t channel;
  ptrdiff_t tap;
};

// What a convolution and a phase of a transposed one have in common: for output index u, tap t
// reads sample u * stride + t * step + first.
struct Geometry {
  const float* x;  ///< input channel 0 of the group
  ptrdiff_t x_stride;
  int64_t in_length;
  int64_t in_channels;
  int64_t taps;
  int64_t stride;
  int64_t step;
  int64_t first;
  float leak;
};

// Where a tile goes: output u of channel c is y[c * channel + u * time].
struct Outputs {
  float* y;
  ptrdiff_t channel;
  ptrdiff_t time;
};

template <int C, int V>
TENWATT_INLINE void tile(const Geometry& g, const Samples& from, const float* weights,
                         const float* bias, const Outputs& to, int64_t count) {
  F sum[C][V];
#pragma GCC unroll 8
  for (int c = 0; c < C; ++c) {
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) sum[c][v] = set1(bias ? bias[c] : 0.0f);
  }
  for (int64_t i = 0; i < g.in_channels; ++i) {
    const float* x = from.x + i * from.channel;
    for (int64_t t = 0; t < g.taps; ++t, x += from.tap, weights += kConvBlock) {
      F sample[V];
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) sample[v] = load(x + v * W);
#pragma GCC unroll 8
      for (int c = 0; c < C; ++c) {
        const F weight = set1(weights[c]);
#pragma GCC unroll 4
        for (int v = 0; v < V; ++v) sum[c][v] = fma(weight, sample[v], sum[c][v]);
      }
    }
  }
#pragma GCC unroll 8
  for (int c = 0; c < C; ++c) {
    float* y = to.y + c * to.channel;
    if (to.time == 1) {
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) {
        if (count >= (v + 1) * W) {
          store(y + v * W, sum[c][v]);
        } else {
          store_part(y + v * W, sum[c][v], count - v * W);
        }
      }
      continue;
    }
    float lane[V * W];
    __builtin_memcpy(lane, sum[c], sizeof lane);
    for (int64_t u = 0; u < count; ++u) y[u * to.time] = lane[u];
  }
}

template <int V>
void channels(const Geometry& g, const Samples& from, const float* weights, const float* bias,
              const Outputs& to, int64_t channels, int64_t count) {
  int64_t c = 0;
  const auto run = [&]<int C>() {
    tile<C, V>(g, from, weights + c, bias ? bias + c : nullptr,
               Outputs{to.y + c * to.channel, to.channel, to.time}, count);
    c += C;
  };
  while (channels - c >= kTileChannels) run.template operator()<kTileChannels>();
  if constexpr (kTileChannels > 4) {
    if (channels - c >= 4) run.template operator()<4>();
  }
  if (channels - c >= 2) run.template operator()<2>();
  if (channels - c >= 1) run.template operator()<1>();
}

// Every sample that a tile of outputs reads, once: for neighbours that share most of them.
Samples gather_stretch(const Geometry& g, int64_t low, int64_t count, int64_t offset, float* out) {
  const int64_t row = (count + W - 1) / W * W;
  for (int64_t i = 0; i < g.in_channels; ++i) {
    leaky_stretch(g.x + i * g.x_stride, g.in_length, low, row, g.leak, out + i * row);
  }
  return {out + offset, row, g.step};
}

// The samples of every tap by themselves.
Samples gather_taps(const Geometry& g, int64_t start, int64_t lanes, float* scratch) {
  float* out = scratch;
  for (int64_t i = 0; i < g.in_channels; ++i) {
    const float* x = g.x + i * g.x_stride;
    for (int64_t t = 0; t < g.taps; ++t, out += lanes) {
      const int64_t at = start + t * g.step;
      if (at >= 0 && at + (lanes - 1) * g.stride < g.in_length) {
        for (int64_t l = 0; l < lanes; ++l) out[l] = x[at + l * g.stride];
      } else {
        for (int64_t l = 0; l < lanes; ++l) {
          const int64_t index = at + l * g.stride;
          out[l] = index >= 0 && index < g.in_length ? x[index] : 0.0f;
        }
      }
      if (g.leak == 1) continue;
      for (int64_t l = 0; l < lanes; l += W) store(out + l, leaky(load(out + l), g.leak));
    }
  }
  return {scratch, g.taps * lanes, lanes};
}

// The samples of outputs [u, u + lanes): in place where possible, else gathered into scratch.
Samples samples(const Geometry& g, int64_t u, int64_t lanes, float* scratch) {
  const int64_t start = u * g.stride + g.first;
  const int64_t reach = (g.taps - 1) * g.step;  // negative for transposed phases
  const int64_t before = reach < 0 ? -reach : 0;
  const int64_t count = lanes + (reach < 0 ? -reach : reach);
  const int64_t low = start - before;
  if (g.stride != 1) return gather_taps(g, start, lanes, scratch);
  if (g.leak == 1 && low >= 0 && low + count <= g.in_length) {
    return {g.x + start, g.x_stride, g.step};
  }
  if (count + W > g.taps * lanes) return gather_taps(g, start, lanes, scratch);
  return gather_stretch(g, low, count, before, scratch);
}

// Vectors of a tile with `left` outputs to go, of a convolution with `channels` outputs.
int64_t tile_vectors(int64_t left, int64_t channels) {
  const int64_t needed = (left + W - 1) / W;
  if (channels <= kNarrowChannels && needed >= kNarrowVectors) return kNarrowVectors;
  return needed < kTileVectors ? 1 : kTileVectors;
}

void block(const Geometry& g, const Samples& from, const float* weights, const float* bias,
           const Outputs& to, int64_t count_channels, int64_t vectors, int64_t count) {
  if (vectors == kNarrowVectors) {
    if (count_channels == 1) return tile<1, kNarrowVectors>(g, from, weights, bias, to, count);
    return tile<2, kNarrowVectors>(g, from, weights, bias, to, count);
  }
  if (vectors == kTileVectors) {
    return channels<kTileVectors>(g, from, weights, bias, to, count_channels, count);
  }
  channels<1>(g, from, weights, bias, to, count_channels, count);
}

}  // namespace

void conv1d(const Conv1d& job) {
  const int64_t group_in = job.in_channels / job.groups;
  const int64_t group_out = job.out_channels / job.groups;
  const int64_t group_blocks = (group_out + kConvBlock - 1) / kConvBlock;
  const int64_t block_floats = group_in * job.kernel * kConvBlock;
  for (int64_t first = job.block_begin; first < job.block_end;) {
    const int64_t group = first / group_blocks;
    const int64_t last = smaller(job.block_end, (group + 1) * group_blocks);
    const Geometry g = {.x = job.x + group * group_in * job.x_stride,
                        .x_stride = job.x_stride,
                        .in_length = job.in_length,
                        .in_channels = group_in,
                        .taps = job.kernel,
                        .stride = job.stride,
                        .step = job.dilation,
                        .first = -job.pad,
                        .leak = job.ends.leak};
    for (int64_t t = job.t_begin; t < job.t_end;) {
      const int64_t vectors = tile_vectors(job.t_end - t, group_out);
      const int64_t count = smaller(job.t_end - t, vectors * W);
      const Samples from = samples(g, t, vectors * W, job.scratch);
      for (int64_t b = first; b < last; ++b) {
        const int64_t in_group = (b - group * group_blocks) * kConvBlock;
        const int64_t channel = group * group_out + in_group;
        const int64_t channels = smaller(kConvBlock, group_out - in_group);
        block(g, from, static_cast<const float*>(job.weights) + b * block_floats,
              job.bias ? job.bias + channel : nullptr,
              {job.y + channel * job.y_stride + t, job.y_stride, 1}, channels, vectors, count);
        end_sums(job, channel, channels, t, count);
      }
      t += count;
    }
    first = last;
  }
}

void conv_transpose1d(const ConvTranspose1d& job) {
  const int64_t taps = (job.kernel + job.stride - 1) / job.stride;
  const int64_t phase_floats = job.in_channels * taps * kConvBlock;
  for (int64_t phase = 0; phase < job.stride; ++phase) {
    // Outputs of this phase: t = u * stride + phase - pad; tap j of it reads sample u - j.
    const Geometry g = {.x = job.x,
                        .x_stride = job.x_stride,
                        .in_length = job.in_length,
                        .in_channels = job.in_channels,
                        .taps = taps,
                        .stride = 1,
                        .step = -1,
                        .first = 0,
                        .leak = job.leak};
    const int64_t begin = floor_div(job.t_begin + job.pad - phase + job.stride - 1, job.stride);
    const int64_t end = floor_div(job.t_end + job.pad - phase + job.stride - 1, job.stride);
    for (int64_t u = begin; u < end;) {
      const int64_t vectors = tile_vectors(end - u, job.out_channels);
      const int64_t count = smaller(end - u, vectors * W);
      const Samples from = samples(g, u, vectors * W, job.scratch);
      const int64_t t = u * job.stride + phase - job.pad;
      for (int64_t b = job.block_begin; b < job.block_end; ++b) {
        const int64_t channel = b * kConvBlock;
        block(g, from,
              static_cast<const float*>(job.weights) + (b * job.stride + phase) * phase_floats,
              job.bias ? job.bias + channel : nullptr,
              {job.y + channel * job.y_stride + t, job.y_stride, job.stride},
              smaller(kConvBlock, job.out_channels - channel), vectors, count);
      }
      u += count;
    }
  }
}

void depthwise_conv1d(const DepthwiseConv1d& job) {
  for (int64_t c = job.channel_begin; c < job.channel_end; ++c) {
    const float* x = job.x + c * job.x_stride;
    const float* weights = job.weights + c * job.kernel;
    float* y = job.y + c * job.y_stride;
    for (int64_t t = job.t_begin; t < job.t_end; t += W) {
      F sum = set1(job.bias ? job.bias[c] : 0.0f);
      for (int64_t tap = 0; tap < job.kernel; ++tap) {
        const int64_t at = t * job.stride + tap * job.dilation - job.pad;
        F sample = F{};
        if (job.stride == 1 && at >= 0 && at + W <= job.in_length) {
          sample = load(x + at);
        } else {
          float lane[W];
          for (int64_t l = 0; l < W; ++l) {
            const int64_t index = at + l * job.stride;
            lane[l] = index >= 0 && index < job.in_length ? x[index] : 0.0f;
          }
          sample = load(lane);
        }
        sum = fma(set1(weights[tap]), sample, sum);
      }
      store_part(y + t, sum, job.t_end - t);
    }
  }
}

}  // namespace tenwatt::cpu::TENWATT_LEVEL
