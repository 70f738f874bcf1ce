#include "devices/cpu/pack/packing.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <set>

#include "devices/cpu/arena.h"
#include "devices/cpu/kernels/integer_panels.h"
#include "devices/cpu/kernels/panels.h"

namespace tenwatt::cpu {
namespace {

using graph::Graph;
using graph::kNoValue;
using graph::Node;
using graph::ValueId;

const Tensor* constant_of(const Graph& graph, const Node& node, size_t index) {
  if (index >= node.inputs.size() || node.inputs[index] == kNoValue) return nullptr;
  const auto& constant = graph.value(node.inputs[index]).constant;
  return constant ? &*constant : nullptr;
}

/// A weight matrix [n, k] stored row by row.
Packing row_matrix(const Tensor& w) {
  if (w.rank() < 2 || w.count() == 0) return Packing::kPlain;
  if (block_format(w.format())) return w.rank() == 2 ? Packing::kBlockPanels : Packing::kPlain;
  return float_format(w.format()) ? Packing::kFloatPanels : Packing::kPlain;
}

/// Float weights that a node lets be rounded to int8 are panels of this format.
constexpr Format kRounded = Format::kQ8_0;

Packing linear_input(const Node& node, size_t index, const Tensor& w) {
  if (index != 1) return Packing::kPlainF32;
  const Packing packing = row_matrix(w);
  const bool rounds = packing == Packing::kFloatPanels && node.text("operands", "") == "int8" &&
                      w.rank() == 2 && w.shape()[1] % info(kRounded).block == 0;
  return rounds ? Packing::kInt8Panels : packing;
}

Packing gated_input(const Node&, size_t index, const Tensor& w) {
  return index >= 1 ? row_matrix(w) : Packing::kPlain;
}

Packing matmul_input(const Node&, size_t index, const Tensor& w) {
  const bool fits = index == 1 && w.rank() == 2 && w.count() > 0 && float_format(w.format());
  return fits ? Packing::kFloatPanelsTransposed : Packing::kPlain;
}

Packing gemm_input(const Node& node, size_t index, const Tensor& w) {
  const bool plain_product = node.integer("transA", 0) == 0 && node.real("alpha", 1) == 1;
  const bool fits = index == 1 && w.rank() == 2 && w.count() > 0 && float_format(w.format());
  if (!plain_product || !fits) return Packing::kPlain;
  return node.integer("transB", 0) ? Packing::kFloatPanels : Packing::kFloatPanelsTransposed;
}

bool is_depthwise(const Node& node, const Tensor& w) {
  const int64_t groups = node.integer("group", 1);
  return groups == w.shape()[0] && w.shape()[1] == 1;
}

/// A convolution whose operands may be rounded, in the geometry that the bf16 kernels have. A few
/// output channels would waste most of a tile; they stay as they are.
bool rounds_to_bf16(const Node& node, int64_t out_channels, int64_t reach) {
  constexpr int64_t kMaxReach = 4096;
  return node.text("operands", "") == "bf16" && node.integer("group", 1) == 1 &&
         out_channels >= kConvBlock && reach >= 0 && reach <= kMaxReach;
}

Packing conv_input(const Node& node, size_t index, const Tensor& w) {
  if (index > 1) return Packing::kPlainF32;
  if (index != 1 || w.rank() != 3 || w.count() == 0 || !float_format(w.format())) {
    return Packing::kPlain;
  }
  if (is_depthwise(node, w)) return Packing::kPlainF32;
  const auto strides = node.integers("strides", {1});
  const auto dilations = node.integers("dilations", {1});
  const bool fits = strides.size() == 1 && strides[0] == 1 && dilations.size() == 1 &&
                    dilations[0] >= 1 && dilations[0] <= (1 << 16) && w.shape()[2] <= (1 << 16) &&
                    rounds_to_bf16(node, w.shape()[0], (w.shape()[2] - 1) * dilations[0]);
  return fits ? Packing::kConvBf16 : Packing::kConv;
}

Packing conv_transpose_input(const Node& node, size_t index, const Tensor& w) {
  if (index > 1) return Packing::kPlainF32;
  const auto dilations = node.integers("dilations", {1});
  const bool fits = index == 1 && w.rank() == 3 && w.count() > 0 && float_format(w.format()) &&
                    node.integer("group", 1) == 1 && dilations.size() == 1 && dilations[0] == 1;
  if (!fits) return Packing::kPlain;
  const int64_t taps = w.shape()[2] / std::max<int64_t>(1, node.integers("strides", {1})[0]);
  return rounds_to_bf16(node, w.shape()[1], taps) ? Packing::kConvTransposeBf16
                                                  : Packing::kConvTranspose;
}

Packing lstm_input(const Node&, size_t index, const Tensor& w) {
  if (index != 1 && index != 2) return Packing::kPlain;
  const bool fits = w.rank() == 3 && w.shape()[1] % kPanelRows == 0 && w.count() > 0 &&
                    w.format() == Format::kF32;
  return fits ? Packing::kFloatPanels : Packing::kPlain;
}

/// Right operands of integer products: input 1, or 3 where scales stand between.
bool is_bytes(const Node& node, size_t index, const Tensor& w) {
  const size_t right = node.op.starts_with("QLinear") ? 3 : 1;
  return index == right && w.count() > 0 &&
         (w.format() == Format::kI8 || w.format() == Format::kU8);
}

Packing integer_matmul_input(const Node& node, size_t index, const Tensor& w) {
  const bool fits = is_bytes(node, index, w) && w.rank() == 2;
  return fits ? Packing::kIntegerPanelsTransposed : Packing::kPlain;
}

Packing integer_conv_input(const Node& node, size_t index, const Tensor& w) {
  const bool fits = is_bytes(node, index, w) && w.rank() >= 3;
  return fits ? Packing::kIntegerPanels : Packing::kPlain;
}

struct Wish {
  std::string_view op;
  Packing (*input)(const Node&, size_t index, const Tensor&);
};
constexpr Wish kWishes[] = {
    {"ConvInteger", integer_conv_input},
    {"MatMulInteger", integer_matmul_input},
    {"QLinearConv", integer_conv_input},
    {"QLinearMatMul", integer_matmul_input},
    {"Conv", conv_input},
    {"ConvTranspose", conv_transpose_input},
    {"Gemm", gemm_input},
    {"GatedFeedForward", gated_input},
    {"JoinedConv", conv_input},
    {"JoinedConvTranspose", conv_transpose_input},
    {"Linear", linear_input},
    {"LSTM", lstm_input},
    {"MatMul", matmul_input},
};

/// True if some node reads this constant as a matrix in panels (then embeddings read rows of it).
bool has_panels(const Graph& graph, ValueId table) {
  return std::ranges::any_of(graph.nodes(), [&](const Node& node) {
    if (node.op == "Embedding") return false;
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (node.inputs[i] != table) continue;
      const Packing packing = wanted_packing(graph, node, i);
      if (packing == Packing::kBlockPanels || packing == Packing::kFloatPanels) return true;
    }
    return false;
  });
}

/// The outputs of one group and the length of their rows, for integer panels.
ByteMatrix byte_matrix(const Tensor& w, const PackedPiece& piece) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(w.bytes().data());
  const uint8_t flip = w.format() == Format::kU8 ? 0x80 : 0;
  const int64_t first = w.shape()[0];
  if (piece.packing == Packing::kIntegerPanelsTransposed)
    return {bytes, w.shape()[1], first, 1, w.shape()[1], flip};
  return {bytes, first / piece.groups, w.count() / first, w.count() / first, 1, flip};
}

bool is_integer_panels(Packing packing) {
  return packing == Packing::kIntegerPanels || packing == Packing::kIntegerPanelsTransposed;
}

/// Every constant's data as f32, for the layouts that only hold f32.
Result<Tensor> as_f32(const Tensor& tensor) { return tensor.to_f32(); }

Result<size_t> packed_bytes(const Tensor& w, const PackedPiece& piece) {
  switch (piece.packing) {
    case Packing::kPlain:
      return w.bytes().size();
    case Packing::kPlainF32:
      return static_cast<size_t>(w.count()) * sizeof(float);
    case Packing::kFloatPanels:
    case Packing::kFloatPanelsTransposed: {
      const MatrixExtents m = matrix_extents(w, piece.packing);
      return static_cast<size_t>(panels_of(m.rows)) *
             float_panel_bytes(*float_format(w.format()), m.columns);
    }
    case Packing::kBlockPanels:
    case Packing::kInt8Panels: {
      const MatrixExtents m = matrix_extents(w, piece.packing);
      return static_cast<size_t>(panels_of(m.rows)) *
             block_panel_bytes(*panel_block_format(w, piece.packing), m.columns);
    }
    case Packing::kConv:
      if (piece.groups < 1 || w.shape()[0] % piece.groups != 0) {
        return fail(ErrorCode::kInvalidArgument, "Conv groups do not divide its channels");
      }
      return sizeof(float) *
             conv1d_weight_floats(w.shape()[0], w.shape()[1], piece.groups, w.shape()[2]);
    case Packing::kConvBf16:
      return sizeof(uint32_t) * conv1d_bf16_words(w.shape()[0], w.shape()[1], w.shape()[2]);
    case Packing::kIntegerPanels:
    case Packing::kIntegerPanelsTransposed: {
      if (piece.groups < 1 || w.shape()[0] % piece.groups != 0) {
        return fail(ErrorCode::kInvalidArgument, "the groups do not divide the channels");
      }
      const ByteMatrix m = byte_matrix(w, piece);
      return static_cast<size_t>(piece.groups * panels_of(m.outputs)) * integer_panel_bytes(m.k);
    }
    case Packing::kConvTranspose:
      if (piece.stride < 1) return fail(ErrorCode::kInvalidArgument, "a stride is below 1");
      return sizeof(float) *
             conv_transpose1d_weight_floats(w.shape()[0], w.shape()[1], w.shape()[2], piece.stride);
    case Packing::kConvTransposeBf16:
      if (piece.stride < 1) return fail(ErrorCode::kInvalidArgument, "a stride is below 1");
      return sizeof(uint32_t) *
             conv_transpose1d_bf16_words(w.shape()[0], w.shape()[1], w.shape()[2], piece.stride);
  }
  return fail(ErrorCode::kInternal, "unknown packing");
}

/// Panels [begin, end) of float weights rounded to int8 blocks, 16 rows at a time.
Status pack_rounded(const Tensor& w, int64_t begin, int64_t end, std::span<std::byte> out) {
  const MatrixExtents m = matrix_extents(w, Packing::kInt8Panels);
  const FormatInfo& from = info(w.format());
  const FormatInfo& to = info(kRounded);
  const size_t row_bytes = w.bytes().size() / static_cast<size_t>(m.rows);
  const size_t rounded_bytes = static_cast<size_t>(m.columns) / to.block * to.bytes;
  const BlockFormat block = *block_format(kRounded);
  const size_t panel_bytes = block_panel_bytes(block, m.columns);
  std::vector<float> row(static_cast<size_t>(m.columns));
  std::vector<std::byte> rounded(rounded_bytes * kPanelRows);
  for (int64_t panel = begin; panel < end; ++panel) {
    const int64_t first = panel * kPanelRows;
    const int64_t count = std::min(kPanelRows, m.rows - first);
    for (int64_t r = 0; r < count; ++r) {
      from.decode(w.bytes().subspan(static_cast<size_t>(first + r) * row_bytes, row_bytes), row);
      to.encode(row,
                std::span(rounded).subspan(static_cast<size_t>(r) * rounded_bytes, rounded_bytes));
    }
    pack_block_panel(block, rounded.data(), count, m.columns, 0,
                     out.data() + static_cast<size_t>(panel) * panel_bytes);
  }
  return {};
}

PackedPiece piece_for(const Graph& graph, const Node& node, size_t index) {
  PackedPiece piece;
  piece.value = node.inputs[index];
  piece.packing = wanted_packing(graph, node, index);
  const bool grouped = piece.packing == Packing::kConv || piece.packing == Packing::kIntegerPanels;
  if (grouped) piece.groups = node.integer("group", 1);
  const bool transposed =
      piece.packing == Packing::kConvTranspose || piece.packing == Packing::kConvTransposeBf16;
  if (transposed) piece.stride = node.integers("strides", {1})[0];
  return piece;
}

class Planner {
 public:
  explicit Planner(const Graph& graph) : graph_(graph) {}

  Result<std::vector<PackedPiece>> plan() {
    for (const Node& node : graph_.nodes()) {
      for (size_t i = 0; i < node.inputs.size(); ++i) {
        if (!constant_of(graph_, node, i)) continue;
        if (node.op == "Embedding" && i == 1 && has_panels(graph_, node.inputs[i])) continue;
        TENWATT_TRY(add(piece_for(graph_, node, i)));
      }
    }
    for (ValueId id : graph_.outputs) {
      if (graph_.value(id).constant) TENWATT_TRY(add({id, Packing::kPlain, 1, 1, {}, 0, 0}));
    }
    return std::move(pieces_);
  }

 private:
  Status add(PackedPiece piece) {
    const graph::Value& value = graph_.value(piece.value);
    if (!seen_.insert({piece.value, piece.packing}).second) return {};
    auto bytes = packed_bytes(*value.constant, piece);
    if (!bytes) return fail_in(value.name, bytes.error());
    piece.bytes = *bytes;
    if (piece.packing == Packing::kPlain || piece.packing == Packing::kPlainF32) {
      piece.piece = "plain";
      piece.offset = plain_;
      plain_ += align_up(piece.bytes);
    } else {
      piece.piece = value.name + "/" + std::string(packing_name(piece.packing));
    }
    pieces_.push_back(std::move(piece));
    return {};
  }

  const Graph& graph_;
  std::vector<PackedPiece> pieces_;
  std::set<std::pair<ValueId, Packing>> seen_;
  size_t plain_ = 0;
};

}  // namespace

std::string_view packing_name(Packing packing) {
  constexpr std::string_view kNames[] = {
      "plain",        "plain-f32",           "panels",         "panels-transposed",
      "block-panels", "int8-panels",         "conv",           "conv-transpose",
      "conv-bf16",    "conv-transpose-bf16", "integer-panels", "integer-panels-transposed"};
  return kNames[static_cast<size_t>(packing)];
}

Packing wanted_packing(const Graph& graph, const Node& node, size_t index) {
  const Tensor* w = constant_of(graph, node, index);
  if (!w) return Packing::kPlain;
  const auto* wish = std::ranges::find(kWishes, std::string_view(node.op), &Wish::op);
  if (wish == std::end(kWishes)) return Packing::kPlain;
  const Packing packing = wish->input(node, index, *w);
  if (packing == Packing::kPlainF32 && w->format() == Format::kF32) return Packing::kPlain;
  return packing;
}

MatrixExtents matrix_extents(const Tensor& tensor, Packing packing) {
  const Shape& shape = tensor.shape();
  if (packing == Packing::kFloatPanelsTransposed) return {shape[1], shape[0]};
  return {tensor.count() / shape.back(), shape.back()};
}

std::optional<BlockFormat> panel_block_format(const Tensor& tensor, Packing packing) {
  if (packing == Packing::kInt8Panels) return block_format(kRounded);
  return packing == Packing::kBlockPanels ? block_format(tensor.format()) : std::nullopt;
}

Result<std::vector<PackedPiece>> plan_packing(const Graph& graph) { return Planner(graph).plan(); }

int64_t packing_items(const Graph& graph, const PackedPiece& piece) {
  if (is_integer_panels(piece.packing)) {
    const ByteMatrix m = byte_matrix(*graph.value(piece.value).constant, piece);
    return piece.groups * panels_of(m.outputs);
  }
  switch (piece.packing) {
    case Packing::kFloatPanels:
    case Packing::kFloatPanelsTransposed:
    case Packing::kBlockPanels:
    case Packing::kInt8Panels:
      return panels_of(matrix_extents(*graph.value(piece.value).constant, piece.packing).rows);
    default:
      return 1;
  }
}

Status pack_items(const Graph& graph, const PackedPiece& piece, int64_t begin, int64_t end,
                  std::span<std::byte> out) {
  const Tensor& w = *graph.value(piece.value).constant;
  const std::byte* from = w.bytes().data();
  float* floats = reinterpret_cast<float*>(out.data());
  auto* words = reinterpret_cast<uint32_t*>(out.data());
  switch (piece.packing) {
    case Packing::kPlain:
      std::ranges::copy(w.bytes(), out.begin());
      return {};
    case Packing::kPlainF32: {
      const Tensor f32 = TENWATT_TRY(as_f32(w));
      std::ranges::copy(f32.bytes(), out.begin());
      return {};
    }
    case Packing::kConv: {
      const Tensor f32 = TENWATT_TRY(as_f32(w));
      pack_conv1d(f32.values<float>().data(), w.shape()[0], w.shape()[1], piece.groups,
                  w.shape()[2], floats);
      return {};
    }
    case Packing::kConvTranspose: {
      const Tensor f32 = TENWATT_TRY(as_f32(w));
      pack_conv_transpose1d(f32.values<float>().data(), w.shape()[0], w.shape()[1], w.shape()[2],
                            piece.stride, floats);
      return {};
    }
    case Packing::kConvBf16: {
      const Tensor f32 = TENWATT_TRY(as_f32(w));
      pack_conv1d_bf16(f32.values<float>().data(), w.shape()[0], w.shape()[1], w.shape()[2], words);
      return {};
    }
    case Packing::kConvTransposeBf16: {
      const Tensor f32 = TENWATT_TRY(as_f32(w));
      pack_conv_transpose1d_bf16(f32.values<float>().data(), w.shape()[0], w.shape()[1],
                                 w.shape()[2], piece.stride, words);
      return {};
    }
    case Packing::kIntegerPanels:
    case Packing::kIntegerPanelsTransposed: {
      ByteMatrix m = byte_matrix(w, piece);
      const uint8_t* weights = m.bytes;
      for (int64_t item = begin; item < end; ++item) {
        m.bytes = weights + item / panels_of(m.outputs) * m.outputs * m.k;
        pack_integer_panel(m, item % panels_of(m.outputs),
                           out.data() + static_cast<size_t>(item) * integer_panel_bytes(m.k));
      }
      return {};
    }
    case Packing::kFloatPanels:
    case Packing::kFloatPanelsTransposed:
    case Packing::kBlockPanels:
      break;
    case Packing::kInt8Panels:
      return pack_rounded(w, begin, end, out);
  }
  const MatrixExtents m = matrix_extents(w, piece.packing);
  const bool block = piece.packing == Packing::kBlockPanels;
  const size_t step = block ? block_panel_bytes(*block_format(w.format()), m.columns)
                            : float_panel_bytes(*float_format(w.format()), m.columns);
  const auto pack =
      piece.packing == Packing::kFloatPanels ? pack_float_panel : pack_float_panel_transposed;
  for (int64_t panel = begin; panel < end; ++panel) {
    std::byte* to = out.data() + static_cast<size_t>(panel) * step;
    if (block) {
      pack_block_panel(*block_format(w.format()), from, m.rows, m.columns, panel, to);
    } else {
      pack(*float_format(w.format()), from, m.rows, m.columns, panel, to);
    }
  }
  return {};
}

}  // namespace tenwatt::cpu
