// Convolutions over time with bf16 operands. The samples of a stretch of time are rounded once into
// scratch, as words of two neighbouring channels; then tiles of 8 output channels x 3 vectors of
// times keep their sums in registers while words of weights broadcast and words of samples stream.
// Any dilation is an offset into a row of the scratch, and zeros outside the signal are part of it,
// so an output's bits don't depend on the tile it fell into.
#include "devices/cpu/kernels/conv_ends.h"
#include "devices/cpu/kernels/indices.h"
#include "devices/cpu/kernels/level.h"

namespace tenwatt::cpu::TENWATT_LEVEL {
namespace {

constexpr int kVectors = 3;
constexpr int64_t kTile = kVectors * W;
static_assert(kTile == 48 && kConvBlock == 8);

TENWATT_INLINE F dot_pairs(F sum, I weights, I samples) {
  return (F)_mm512_dpbf16_ps((__m512)sum, (__m512bh)weights, (__m512bh)samples);
}
TENWATT_INLINE I rounded(F x) {
  return (I)_mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh((__m512)x));
}

// The operands of a tile: tap t of channel pair p for output lane l is the word
// x[p * row + t * step + l].
struct Words {
  const int32_t* x;
  ptrdiff_t row;
  ptrdiff_t step;
  int64_t pairs;
  int64_t taps;
};

struct Signal {
  const float* x;
  ptrdiff_t stride;  ///< between channels
  int64_t length;
  int64_t channels;
  float leak;
};

// Rounds times [begin, begin + row) of every pair of channels into words.
void round_stretch(const Signal& s, int64_t begin, int64_t row, int32_t* out) {
  for (int64_t c = 0; c < s.channels; c += 2, out += row) {
    const float* low = s.x + c * s.stride;
    const bool paired = c + 1 < s.channels;
    for (int64_t i = 0; i < row; i += W) {
      I words = rounded(leaky_samples(low, s.length, begin + i, s.leak));
      if (paired) {
        words |= rounded(leaky_samples(low + s.stride, s.length, begin + i, s.leak)) << 16;
      }
      __builtin_memcpy(out + i, &words, sizeof words);
    }
  }
}

// The sums of 8 channels for V vectors of times, channel by channel in `sums`.
template <int V>
TENWATT_INLINE void tile(const Words& from, const int32_t* weights, const float* bias,
                         float* sums) {
  F sum[kConvBlock][V];
#pragma GCC unroll 8
  for (int c = 0; c < kConvBlock; ++c) {
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) sum[c][v] = set1(bias[c]);
  }
  for (int64_t p = 0; p < from.pairs; ++p) {
    const int32_t* x = from.x + p * from.row;
    for (int64_t t = 0; t < from.taps; ++t, x += from.step, weights += kConvBlock) {
      I samples[V];
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) __builtin_memcpy(&samples[v], x + v * W, sizeof(I));
#pragma GCC unroll 8
      for (int c = 0; c < kConvBlock; ++c) {
        const I weight = set1(weights[c]);
#pragma GCC unroll 4
        for (int v = 0; v < V; ++v) sum[c][v] = dot_pairs(sum[c][v], weight, samples[v]);
      }
    }
  }
#pragma GCC unroll 8
  for (int c = 0; c < kConvBlock; ++c) {
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) store(sums + c * kTile + v * W, sum[c][v]);
  }
}

// Outputs of one block of channels: `count` <= 48 times of `channels` <= 8 channels; output i of
// channel c goes to y[c * stride + i * step].
void block(const Words& from, const int32_t* weights, const float* bias, int64_t channels,
           int64_t count, float* y, ptrdiff_t stride, ptrdiff_t step) {
  float starts[kConvBlock] = {};
  for (int64_t c = 0; c < channels && bias; ++c) starts[c] = bias[c];
  float sums[kConvBlock * kTile];
  if (count > 2 * W) {
    tile<3>(from, weights, starts, sums);
  } else if (count > W) {
    tile<2>(from, weights, starts, sums);
  } else {
    tile<1>(from, weights, starts, sums);
  }
  for (int64_t c = 0; c < channels; ++c) {
    const float* sum = sums + c * kTile;
    float* to = y + c * stride;
    if (step == 1) {
      for (int64_t i = 0; i < count; i += W) store_part(to + i, load(sum + i), count - i);
    } else {
      for (int64_t i = 0; i < count; ++i) to[i * step] = sum[i];
    }
  }
}

int64_t whole_vectors(int64_t n) { return (n + W - 1) / W * W; }

}  // namespace

void conv1d_bf16(const Conv1d& job) {
  const int64_t pairs = (job.in_channels + 1) / 2;
  const int64_t reach = (job.kernel - 1) * job.dilation;
  const int64_t stretch = conv_bf16_stretch(pairs, reach);
  const auto* weights = static_cast<const int32_t*>(job.weights);
  auto* words = reinterpret_cast<int32_t*>(job.scratch);
  const Signal signal = {job.x, job.x_stride, job.in_length, job.in_channels, job.ends.leak};
  for (int64_t begin = job.t_begin; begin < job.t_end; begin += stretch) {
    const int64_t end = smaller(job.t_end, begin + stretch);
    const int64_t row = whole_vectors((end - begin + kTile - 1) / kTile * kTile + reach);
    round_stretch(signal, begin - job.pad, row, words);
    for (int64_t t = begin; t < end; t += kTile) {
      const int64_t count = smaller(end - t, kTile);
      const Words from = {words + (t - begin), row, job.dilation, pairs, job.kernel};
      for (int64_t b = job.block_begin; b < job.block_end; ++b) {
        const int64_t channel = b * kConvBlock;
        const int64_t channels = smaller(kConvBlock, job.out_channels - channel);
        block(from, weights + b * pairs * job.kernel * kConvBlock,
              job.bias ? job.bias + channel : nullptr, channels, count,
              job.y + channel * job.y_stride + t, job.y_stride, 1);
        end_sums(job, channel, channels, t, count);
      }
    }
  }
}

void conv_transpose1d_bf16(const ConvTranspose1d& job) {
  const int64_t pairs = (job.in_channels + 1) / 2;
  const int64_t taps = (job.kernel + job.stride - 1) / job.stride;
  const int64_t stretch = conv_bf16_stretch(pairs, taps - 1);
  const int64_t phase_words = pairs * taps * kConvBlock;
  const auto* weights = static_cast<const int32_t*>(job.weights);
  auto* words = reinterpret_cast<int32_t*>(job.scratch);
  const Signal signal = {job.x, job.x_stride, job.in_length, job.in_channels, job.leak};
  // Output t = u * stride + phase - pad; tap j of it reads sample u - j.
  const int64_t first = floor_div(job.t_begin + job.pad, job.stride);
  const int64_t last = floor_div(job.t_end - 1 + job.pad, job.stride) + 1;
  for (int64_t begin = first; begin < last; begin += stretch) {
    const int64_t end = smaller(last, begin + stretch);
    const int64_t row = whole_vectors((end - begin + kTile - 1) / kTile * kTile + taps - 1);
    round_stretch(signal, begin - (taps - 1), row, words);
    for (int64_t u = begin; u < end; u += kTile) {
      const Words from = {words + (u - begin) + taps - 1, row, -1, pairs, taps};
      for (int64_t b = job.block_begin; b < job.block_end; ++b) {
        const int64_t channel = b * kConvBlock;
        for (int64_t phase = 0; phase < job.stride; ++phase) {
          // The u of this tile whose outputs lie in the range.
          const int64_t shift = phase - job.pad;
          const int64_t from_u = larger(u, -floor_div(shift - job.t_begin, job.stride));
          const int64_t to_u =
              smaller(smaller(end, u + kTile), -floor_div(shift - job.t_end, job.stride));
          if (from_u >= to_u) continue;
          Words part = from;
          part.x += from_u - u;
          block(part, weights + (b * job.stride + phase) * phase_words,
                job.bias ? job.bias + channel : nullptr,
                smaller(kConvBlock, job.out_channels - channel), to_u - from_u,
                job.y + channel * job.y_stride + from_u * job.stride + shift, job.y_stride,
                job.stride);
        }
      }
    }
  }
}

}  // namespace tenwatt::cpu::TENWATT_LEVEL
