// See panels.h.
#include "devices/cpu/kernels/panels.h"

#include <algorithm>
#include <cstring>

namespace tenwatt::cpu {
namespace {

size_t element_bytes(FloatFormat format) { return format == FloatFormat::kF32 ? 4 : 2; }

float read_float(FloatFormat format, const std::byte* p) {
  if (format == FloatFormat::kF32) {
    float value;
    std::memcpy(&value, p, sizeof value);
    return value;
  }
  uint16_t bits;
  std::memcpy(&bits, p, sizeof bits);
  return format == FloatFormat::kF16 ? f16_to_f32(bits) : bf16_to_f32(bits);
}

// Copies w(row, i) for the 16 rows of a panel.
template <class Element, class At>
void fill_panel(int64_t n, int64_t k, int64_t panel, std::byte* out, At at) {
  auto* to = reinterpret_cast<Element*>(out);
  const int64_t first = panel * kPanelRows;
  const int64_t valid = std::clamp<int64_t>(n - first, 0, kPanelRows);
  if (valid < kPanelRows) std::memset(out, 0, sizeof(Element) * k * kPanelRows);
  // 64 columns at a time keep both sides in the cache.
  for (int64_t start = 0; start < k; start += 64) {
    const int64_t end = std::min<int64_t>(start + 64, k);
    for (int64_t r = 0; r < valid; ++r) {
      for (int64_t i = start; i < end; ++i) {
        std::memcpy(to + i * kPanelRows + r, at(first + r, i), sizeof(Element));
      }
    }
  }
}

}  // namespace

std::optional<FloatFormat> float_format(Format format) {
  switch (format) {
    case Format::kF32:
      return FloatFormat::kF32;
    case Format::kF16:
      return FloatFormat::kF16;
    case Format::kBF16:
      return FloatFormat::kBF16;
    default:
      return std::nullopt;
  }
}

size_t float_panel_bytes(FloatFormat format, int64_t k) {
  return element_bytes(format) * static_cast<size_t>(k * kPanelRows);
}

void pack_float_panel(FloatFormat format, const std::byte* w, int64_t n, int64_t k, int64_t panel,
                      std::byte* out) {
  const size_t size = element_bytes(format);
  const auto at = [=](int64_t row, int64_t i) { return w + (row * k + i) * size; };
  if (size == 4) return fill_panel<uint32_t>(n, k, panel, out, at);
  fill_panel<uint16_t>(n, k, panel, out, at);
}

void pack_float_panel_transposed(FloatFormat format, const std::byte* w, int64_t n, int64_t k,
                                 int64_t panel, std::byte* out) {
  const size_t size = element_bytes(format);
  const auto at = [=](int64_t row, int64_t i) { return w + (i * n + row) * size; };
  if (size == 4) return fill_panel<uint32_t>(n, k, panel, out, at);
  fill_panel<uint16_t>(n, k, panel, out, at);
}

void unpack_float_row(FloatFormat format, const std::byte* panels, int64_t row,
                      std::span<float> out) {
  const auto k = static_cast<int64_t>(out.size());
  const size_t size = element_bytes(format);
  const std::byte* panel = panels + (row / kPanelRows) * float_panel_bytes(format, k);
  for (int64_t i = 0; i < k; ++i) {
    out[i] = read_float(format, panel + (i * kPanelRows + row % kPanelRows) * size);
  }
}

int64_t conv1d_blocks(int64_t out_channels, int64_t groups) {
  return groups * ((out_channels / groups + kConvBlock - 1) / kConvBlock);
}

size_t conv1d_weight_floats(int64_t out_channels, int64_t channels_per_group, int64_t groups,
                            int64_t kernel) {
  return static_cast<size_t>(conv1d_blocks(out_channels, groups) * channels_per_group * kernel *
                             kConvBlock);
}

size_t conv_transpose1d_weight_floats(int64_t in_channels, int64_t out_channels, int64_t kernel,
                                      int64_t stride) {
  const int64_t taps = (kernel + stride - 1) / stride;
  return static_cast<size_t>(conv1d_blocks(out_channels, 1) * stride * in_channels * taps *
                             kConvBlock);
}

void pack_conv1d(const float* w, int64_t out_channels, int64_t channels_per_group, int64_t groups,
                 int64_t kernel, float* out) {
  const int64_t group_out = out_channels / groups;
  const int64_t group_blocks = (group_out + kConvBlock - 1) / kConvBlock;
  for (int64_t block = 0; block < groups * group_blocks; ++block) {
    const int64_t in_group = block % group_blocks * kConvBlock;
    const int64_t first = block / group_blocks * group_out + in_group;
    const int64_t valid = std::min(kConvBlock, group_out - in_group);
    for (int64_t i = 0; i < channels_per_group * kernel; ++i) {
      for (int64_t c = 0; c < kConvBlock; ++c) {
        *out++ = c < valid ? w[(first + c) * channels_per_group * kernel + i] : 0.0f;
      }
    }
  }
}

void pack_conv_transpose1d(const float* w, int64_t in_channels, int64_t out_channels,
                           int64_t kernel, int64_t stride, float* out) {
  const int64_t taps = (kernel + stride - 1) / stride;
  for (int64_t first = 0; first < out_channels; first += kConvBlock) {
    for (int64_t phase = 0; phase < stride; ++phase) {
      for (int64_t i = 0; i < in_channels; ++i) {
        for (int64_t j = 0; j < taps; ++j) {
          const int64_t tap = phase + j * stride;
          for (int64_t c = 0; c < kConvBlock; ++c) {
            const bool exists = tap < kernel && first + c < out_channels;
            *out++ = exists ? w[(i * out_channels + first + c) * kernel + tap] : 0.0f;
          }
        }
      }
    }
  }
}

size_t conv1d_bf16_words(int64_t out_channels, int64_t in_channels, int64_t kernel) {
  return conv1d_weight_floats(out_channels, (in_channels + 1) / 2, 1, kernel);
}

size_t conv_transpose1d_bf16_words(int64_t in_channels, int64_t out_channels, int64_t kernel,
                                   int64_t stride) {
  return conv_transpose1d_weight_floats((in_channels + 1) / 2, out_channels, kernel, stride);
}

void pack_conv1d_bf16(const float* w, int64_t out_channels, int64_t in_channels, int64_t kernel,
                      uint32_t* out) {
  const auto at = [=](int64_t o, int64_t i, int64_t tap) -> uint32_t {
    const bool exists = o < out_channels && i < in_channels;
    return exists ? f32_to_bf16(w[(o * in_channels + i) * kernel + tap]) : 0;
  };
  for (int64_t first = 0; first < out_channels; first += kConvBlock) {
    for (int64_t i = 0; i < in_channels; i += 2) {
      for (int64_t tap = 0; tap < kernel; ++tap) {
        for (int64_t c = 0; c < kConvBlock; ++c) {
          *out++ = at(first + c, i, tap) | at(first + c, i + 1, tap) << 16;
        }
      }
    }
  }
}

void pack_conv_transpose1d_bf16(const float* w, int64_t in_channels, int64_t out_channels,
                                int64_t kernel, int64_t stride, uint32_t* out) {
  const int64_t taps = (kernel + stride - 1) / stride;
  const auto at = [=](int64_t i, int64_t o, int64_t tap) -> uint32_t {
    const bool exists = i < in_channels && o < out_channels && tap < kernel;
    return exists ? f32_to_bf16(w[(i * out_channels + o) * kernel + tap]) : 0;
  };
  for (int64_t first = 0; first < out_channels; first += kConvBlock) {
    for (int64_t phase = 0; phase < stride; ++phase) {
      for (int64_t i = 0; i < in_channels; i += 2) {
        for (int64_t j = 0; j < taps; ++j) {
          const int64_t tap = phase + j * stride;
          for (int64_t c = 0; c < kConvBlock; ++c) {
            *out++ = at(i, first + c, tap) | at(i + 1, first + c, tap) << 16;
          }
        }
      }
    }
  }
}

}  // namespace tenwatt::cpu
