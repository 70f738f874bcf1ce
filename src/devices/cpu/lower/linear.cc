// Products with packed weight matrices: Linear, and the gated feed-forward of language models as
// one step. Block formats multiply int8 activations, quantised per row and 32 elements in a step
// that all matrices with one input share. Members own ranges of panels, so each reads one stream of
// weights.
#include "devices/cpu/lower/linear.h"

#include <algorithm>

#include "devices/cpu/arena.h"
#include "devices/cpu/kernels/panels.h"
#include "devices/cpu/lower/lower.h"

namespace tenwatt::cpu {
namespace {

using graph::ValueId;

constexpr int64_t kBlockColumns = 32;
/// Rows of a feed-forward whose hidden values are made at a time: they are quantised while they are
/// still in the cache.
constexpr int64_t kHiddenRows = 64;
constexpr int64_t kSoloProducts = 1 << 16;

Crew crew_of(int64_t rows, const PanelMatrix& w) {
  return rows * w.outputs * w.k < kSoloProducts ? Crew::kSolo : Crew::kAll;
}

}  // namespace

std::optional<PanelMatrix> panel_matrix(const LowerInput& input, size_t index) {
  if (!input.has(index) || !input.is_constant(input.in(index))) return std::nullopt;
  const Tensor& w = *input.graph.value(input.in(index)).constant;
  const Packing packing = wanted_packing(input.graph, input.node, index);
  const std::byte* data = input.weights.find(input.in(index), packing);
  if (!data) return std::nullopt;
  PanelMatrix matrix;
  matrix.panels = data;
  if (const auto block = panel_block_format(w, packing)) {
    matrix.block = block;
  } else if (packing == Packing::kFloatPanels || packing == Packing::kFloatPanelsTransposed) {
    matrix.floats = *float_format(w.format());
  } else {
    return std::nullopt;
  }
  const MatrixExtents extents = matrix_extents(w, packing);
  matrix.outputs = extents.rows;
  matrix.k = extents.columns;
  return matrix;
}

void multiply_floats(const KernelTable& kernels, const PanelMatrix& w, const float* x, int64_t rows,
                     const float* bias, float* y, int64_t begin, int64_t end) {
  if (begin >= end || rows == 0) return;
  kernels.linear_float({x, w.k, rows, w.k, w.panels, w.floats, bias, nullptr, 0, y, w.outputs,
                        w.outputs, begin, end});
}

void multiply_blocks(const KernelTable& kernels, const PanelMatrix& w, const QuantBlock* x,
                     int64_t rows, const float* bias, float* y, int64_t begin, int64_t end) {
  if (begin >= end || rows == 0) return;
  kernels.linear_block({x, w.k / kBlockColumns, rows, w.k, w.panels, *w.block, bias, nullptr, 0, y,
                        w.outputs, w.outputs, begin, end});
}

size_t quantised_bytes(const Quantised& quantised) {
  return static_cast<size_t>(quantised.rows * (quantised.k / kBlockColumns)) * sizeof(QuantBlock);
}

Step quantise_step(const Setup& setup, const Quantised& quantised, ValueId blocks_id) {
  const KernelTable* kernels = setup.kernels;
  const auto [x, rows, k] = quantised;
  Step step;
  step.kernel = std::string("quantise_rows ") + kernels->name;
  step.crew = rows * k <= kEachElements ? Crew::kEach : Crew::kAll;
  step.run = [=, x = x, rows = rows, k = k](StepContext& context) {
    const float* from = context.at<const float>(x);
    auto* to = context.at<QuantBlock>(blocks_id);
    const int64_t blocks = k / kBlockColumns;
    const auto share = context.share(rows * blocks);
    // Whole rows at once; a share that starts or ends inside a row has its pieces of it.
    for (int64_t at = share.begin; at < share.end;) {
      const int64_t row = at / blocks;
      const int64_t first = at % blocks;
      const int64_t last = std::min(blocks, first + (share.end - at));
      kernels->quantise_rows(from + row * k + first * kBlockColumns, k, 1,
                             (last - first) * kBlockColumns, to + at, blocks);
      at += last - first;
    }
  };
  return step;
}

namespace {

/// The bias as f32 memory, from the weights; null if absent.
const float* bias_of(const LowerInput& input, size_t index) {
  if (!input.has(index)) return nullptr;
  const ValueId id = input.in(index);
  const std::byte* data = input.weights.find(id, wanted_packing(input.graph, input.node, index));
  return reinterpret_cast<const float*>(data ? data : input.weights.plain(id));
}

/// The format that a matrix is multiplied in: the file's, or int8 that it was rounded to.
std::string weight_name(const LowerInput& input, size_t index) {
  const bool rounded = wanted_packing(input.graph, input.node, index) == Packing::kInt8Panels;
  return rounded ? "int8" : std::string(info(input.in_format(index)).name);
}

Result<std::optional<Lowered>> lower_linear(const LowerInput& input) {
  const auto w = panel_matrix(input, 1);
  const bool constant_bias = !input.has(2) || input.is_constant(input.in(2));
  if (!w || !constant_bias || input.in_format(0) != Format::kF32 || w->k == 0) {
    return std::optional<Lowered>();
  }
  const int64_t rows = elements(input.in_shape(0)) / w->k;
  const float* bias = bias_of(input, 2);
  const KernelTable* kernels = input.setup.kernels;
  const ValueId x = input.in(0);
  const ValueId y = input.out();
  Lowered lowered;
  lowered.reads = {x};
  Step step;
  step.crew = crew_of(rows, *w);
  const int64_t panels = panels_of(w->outputs);
  if (!w->block) {
    step.kernel = std::string("linear_float ") + kernels->name;
    step.run = [=, w = *w](StepContext& context) {
      const auto share = context.share(panels);
      multiply_floats(*kernels, w, context.at<const float>(x), rows, bias, context.at<float>(y),
                      share.begin, share.end);
    };
  } else {
    step.kernel = "linear_block " + weight_name(input, 1) + " " + kernels->name;
    lowered.reads.clear();
    lowered.quantised.push_back({x, rows, w->k});
    step.run = [=, w = *w, blocks = blocks_of(input.graph, x)](StepContext& context) {
      const auto share = context.share(panels);
      multiply_blocks(*kernels, w, context.at<const QuantBlock>(blocks), rows, bias,
                      context.at<float>(y), share.begin, share.end);
    };
  }
  lowered.step = std::move(step);
  return lowered;
}

// ---- GatedFeedForward ------------------------------------------------------------------------

struct FeedForward {
  const KernelTable* kernels;
  PanelMatrix gate;
  PanelMatrix up;
  PanelMatrix down;
  Gate activation;
  int64_t rows;
  ValueId x;  ///< f32 or blocks, as the weights want it
  ValueId y;
  // Scratch of all members: gate products, up products, quantised hidden.
  size_t up_offset = 0;
  size_t hidden_offset = 0;
  size_t shared_bytes = 0;

  void plan_scratch() {
    const int64_t together = gate.block ? std::min(rows, kHiddenRows) : rows;
    const size_t floats = align_up(static_cast<size_t>(together * gate.outputs) * sizeof(float));
    up_offset = floats;
    hidden_offset = up_offset + floats;
    shared_bytes = hidden_offset;
    if (down.block) shared_bytes += align_up(quantised_bytes({x, rows, down.k}));
  }

  float* floats(const StepContext& context, size_t offset) const {
    return reinterpret_cast<float*>(context.shared_scratch + offset);
  }

  /// act(gate x) * (up x) of `count` rows for a range of panels, in place of the gate's products.
  void activate(const StepContext& context, int64_t count, int64_t begin, int64_t end) const {
    const int64_t f = gate.outputs;
    const int64_t first = begin * kPanelRows;
    const int64_t last = std::min(end * kPanelRows, f);
    for (int64_t row = 0; row < count && first < last; ++row) {
      float* g = floats(context, 0) + row * f + first;
      const float* u = floats(context, up_offset) + row * f + first;
      kernels->gated(activation, g, u, g, last - first);
    }
  }

  /// Quantised hidden values of up to kHiddenRows rows from `first`, for a range of panels.
  void make_hidden(const StepContext& context, const QuantBlock* in, int64_t first,
                   Member::Share share, QuantBlock* quantised) const {
    const int64_t count = std::min(kHiddenRows, rows - first);
    const QuantBlock* part = in + first * (gate.k / kBlockColumns);
    float* products = floats(context, 0);
    multiply_blocks(*kernels, gate, part, count, nullptr, products, share.begin, share.end);
    multiply_blocks(*kernels, up, part, count, nullptr, floats(context, up_offset), share.begin,
                    share.end);
    activate(context, count, share.begin, share.end);
    const int64_t f = gate.outputs;
    const int64_t blocks = f / kBlockColumns;
    kernels->quantise_rows(products + share.begin * kPanelRows, f, count,
                           (share.end - share.begin) * kPanelRows,
                           quantised + first * blocks + share.begin / 2, blocks);
  }

  void run_floats(const StepContext& context) const {
    const float* in = context.at<const float>(x);
    const auto share = context.share(panels_of(gate.outputs));
    multiply_floats(*kernels, gate, in, rows, nullptr, floats(context, 0), share.begin, share.end);
    multiply_floats(*kernels, up, in, rows, nullptr, floats(context, up_offset), share.begin,
                    share.end);
    activate(context, rows, share.begin, share.end);
    if (!context.barrier()) return;
    const auto out = context.share(panels_of(down.outputs));
    multiply_floats(*kernels, down, floats(context, 0), rows, nullptr, context.at<float>(y),
                    out.begin, out.end);
  }

  void run_blocks(const StepContext& context) const {
    const auto* in = context.at<const QuantBlock>(x);
    // Two panels are one block of 32: each member quantises what it has just computed.
    const auto share = context.share(panels_of(gate.outputs), 2);
    auto* quantised = reinterpret_cast<QuantBlock*>(context.shared_scratch + hidden_offset);
    for (int64_t first = 0; first < rows && share.begin < share.end; first += kHiddenRows) {
      make_hidden(context, in, first, share, quantised);
    }
    if (!context.barrier()) return;
    const auto out = context.share(panels_of(down.outputs));
    multiply_blocks(*kernels, down, quantised, rows, nullptr, context.at<float>(y), out.begin,
                    out.end);
  }
};

std::optional<Gate> gate_of(std::string_view activation) {
  if (activation == "silu") return Gate::kSilu;
  if (activation == "gelu_tanh") return Gate::kGeluTanh;
  return std::nullopt;
}

Result<std::optional<Lowered>> lower_feed_forward(const LowerInput& input) {
  const auto gate = panel_matrix(input, 1);
  const auto up = panel_matrix(input, 2);
  const auto down = panel_matrix(input, 3);
  const auto activation = gate_of(input.node.text("activation", "silu"));
  if (!gate || !up || !down || !activation || input.in_format(0) != Format::kF32) {
    return std::optional<Lowered>();
  }
  const bool blocks = gate->block && up->block && down->block;
  const bool floats = !gate->block && !up->block && !down->block;
  if ((!blocks && !floats) || gate->k == 0) return std::optional<Lowered>();
  const int64_t rows = elements(input.in_shape(0)) / gate->k;
  const KernelTable* kernels = input.setup.kernels;
  const ValueId x = input.in(0);
  FeedForward forward{
      kernels,    *gate, *up, *down, *activation, rows, blocks ? blocks_of(input.graph, x) : x,
      input.out()};
  forward.plan_scratch();
  Step step;
  step.kernel = std::string(blocks ? "gated_block " : "gated_float ") +
                std::string(info(input.in_format(1)).name) + " " + kernels->name;
  step.crew = crew_of(rows, *gate);
  step.shared_scratch = forward.shared_bytes;
  step.run = [forward, blocks](StepContext& context) {
    blocks ? forward.run_blocks(context) : forward.run_floats(context);
  };
  Lowered lowered;
  if (blocks) {
    lowered.quantised.push_back({x, rows, gate->k});
  } else {
    lowered.reads.push_back(x);
  }
  lowered.step = std::move(step);
  return lowered;
}

constexpr OperatorRow kRows[] = {
    {"GatedFeedForward", "gated_feed_forward", lower_feed_forward},
    {"Linear", "linear", lower_linear},
};

}  // namespace

std::span<const OperatorRow> linear_operators() { return kRows; }

}  // namespace tenwatt::cpu
