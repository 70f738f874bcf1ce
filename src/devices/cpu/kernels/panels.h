// Weights from the order of files into the order that kernels read: panels of 16 rows for
// matrices, blocks of 8 channels for convolutions; and single rows back out (embedding lookups).
// Plain code, the same at every level; layouts are described in table.h. Nothing is checked here
// but what the return types say: shapes were checked when the graph was planned.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "devices/cpu/kernels/table.h"
#include "numbers/format.h"

namespace tenwatt::cpu {

/// The kernels' names of a number format, if they have one.
std::optional<FloatFormat> float_format(Format format);
std::optional<BlockFormat> block_format(Format format);

/// Panels of a matrix with n rows.
inline constexpr int64_t panels_of(int64_t n) { return (n + kPanelRows - 1) / kPanelRows; }

/// Bytes of one panel over k columns (k a multiple of the block for block formats).
size_t float_panel_bytes(FloatFormat format, int64_t k);
size_t block_panel_bytes(BlockFormat format, int64_t k);

/// Packs panel `panel` of the matrix `w` [n, k], stored row by row in the source format; rows past
/// n become zero. `out` has float_panel_bytes.
void pack_float_panel(FloatFormat format, const std::byte* w, int64_t n, int64_t k, int64_t panel,
                      std::byte* out);
/// The same for a matrix stored as [k, n] (the right operand of ONNX MatMul).
void pack_float_panel_transposed(FloatFormat format, const std::byte* w, int64_t n, int64_t k,
                                 int64_t panel, std::byte* out);
/// Packs panel `panel` of a block-quantised matrix (rows of GGUF's block formats).
void pack_block_panel(BlockFormat format, const std::byte* w, int64_t n, int64_t k, int64_t panel,
                      std::byte* out);

/// Row `row` of a packed matrix, decoded to f32; out.size() is k.
void unpack_float_row(FloatFormat format, const std::byte* panels, int64_t row,
                      std::span<float> out);
void unpack_block_row(BlockFormat format, const std::byte* panels, int64_t row,
                      std::span<float> out);

/// Floats of packed convolution weights.
size_t conv1d_weight_floats(int64_t out_channels, int64_t channels_per_group, int64_t groups,
                            int64_t kernel);
size_t conv_transpose1d_weight_floats(int64_t in_channels, int64_t out_channels, int64_t kernel,
                                      int64_t stride);
/// Output blocks of a convolution: the range that Conv1d::block_end ends at.
int64_t conv1d_blocks(int64_t out_channels, int64_t groups);

/// From ONNX Conv weights [out_channels, channels_per_group, kernel].
void pack_conv1d(const float* w, int64_t out_channels, int64_t channels_per_group, int64_t groups,
                 int64_t kernel, float* out);
/// From ONNX ConvTranspose weights [in_channels, out_channels, kernel] (groups 1).
void pack_conv_transpose1d(const float* w, int64_t in_channels, int64_t out_channels,
                           int64_t kernel, int64_t stride, float* out);

/// The same (one group) as words of two bf16, and their count.
size_t conv1d_bf16_words(int64_t out_channels, int64_t in_channels, int64_t kernel);
size_t conv_transpose1d_bf16_words(int64_t in_channels, int64_t out_channels, int64_t kernel,
                                   int64_t stride);
void pack_conv1d_bf16(const float* w, int64_t out_channels, int64_t in_channels, int64_t kernel,
                      uint32_t* out);
void pack_conv_transpose1d_bf16(const float* w, int64_t in_channels, int64_t out_channels,
                                int64_t kernel, int64_t stride, uint32_t* out);

}  // namespace tenwatt::cpu
