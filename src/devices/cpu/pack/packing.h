// How each constant of a partition is laid out in its artifact: a pure function of the graph, so
// `build` and `load` agree without a directory. Matrices become panels, convolution weights become
// blocks of channels, everything else is copied as it is.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "devices/cpu/kernels/table.h"
#include "graph/ir/graph.h"

namespace tenwatt::cpu {

enum class Packing : uint8_t {
  kPlain,                    ///< the bytes of the file
  kPlainF32,                 ///< decoded to f32
  kFloatPanels,              ///< [..., k], leading axes are rows
  kFloatPanelsTransposed,    ///< [k, n]
  kBlockPanels,              ///< [n, k] of a block format
  kInt8Panels,               ///< [n, k] of floats, rounded to blocks of int8
  kConv,                     ///< ONNX Conv [out, in / groups, kernel]
  kConvTranspose,            ///< ONNX ConvTranspose [in, out, kernel]
  kConvBf16,                 ///< kConv of one group, rounded to pairs of bf16
  kConvTransposeBf16,        ///< kConvTranspose, rounded to pairs of bf16
  kIntegerPanels,            ///< bytes [out, in / groups, kernel...], panels of each group
  kIntegerPanelsTransposed,  ///< bytes [k, n]
};
std::string_view packing_name(Packing packing);

/// The layout in which the CPU's own kernel of `node` wants its constant input `index`; kPlain
/// where it has no wish.
Packing wanted_packing(const graph::Graph& graph, const graph::Node& node, size_t index);

/// A packed form of one constant: where it lies in the artifact.
struct PackedPiece {
  graph::ValueId value = graph::kNoValue;
  Packing packing = Packing::kPlain;
  int64_t groups = 1;  ///< kConv, kIntegerPanels
  int64_t stride = 1;  ///< kConvTranspose, kConvTransposeBf16
  std::string piece;   ///< name in the artifact
  size_t offset = 0;   ///< in that piece, a multiple of 64
  size_t bytes = 0;
};

/// The block format of a constant in panels of one; absent under other packings.
std::optional<BlockFormat> panel_block_format(const Tensor& tensor, Packing packing);

/// All pieces of a graph, in a fixed order. Plain ones share the piece "plain".
Result<std::vector<PackedPiece>> plan_packing(const graph::Graph& graph);

/// Bytes of a matrix in panels: rows and columns of a constant under a panel packing.
struct MatrixExtents {
  int64_t rows;
  int64_t columns;
};
MatrixExtents matrix_extents(const Tensor& tensor, Packing packing);

/// Work items that a piece is packed in (panels of a matrix, 1 for others).
int64_t packing_items(const graph::Graph& graph, const PackedPiece& piece);
/// Packs items [begin, end) of a piece into its memory.
Status pack_items(const graph::Graph& graph, const PackedPiece& piece, int64_t begin, int64_t end,
                  std::span<std::byte> out);

}  // namespace tenwatt::cpu
