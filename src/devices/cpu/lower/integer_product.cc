// MatMulInteger and QLinearMatMul: exact sums of 8-bit products, finished by row. A constant right
// operand lies in panels; one that a run computes is packed by the team first. Members own rows,
// or panels where there are few rows.
#include "devices/cpu/arena.h"
#include "devices/cpu/kernels/integer_panels.h"
#include "devices/cpu/kernels/panels.h"
#include "devices/cpu/lower/integers.h"
#include "devices/cpu/lower/strided.h"

namespace tenwatt::cpu {
namespace {

using graph::ValueId;

constexpr int64_t kSoloProducts = 1 << 16;

/// All matrices of a batch: where their operands lie, in matrices.
struct Batch {
  struct Matrix {
    int64_t a;
    int64_t b;
  };
  std::vector<Matrix> matrices;
  int64_t right_matrices = 1;
  int64_t m = 0;
  int64_t n = 0;
  int64_t k = 0;
};

std::optional<Batch> batch_of(const Shape& a, const Shape& b, const Shape& out) {
  if (a.size() < 2 || b.size() < 2 || out.size() < 2) return std::nullopt;
  const std::span axes = std::span(out).first(out.size() - 2);
  const auto left = broadcast_strides(std::span(a).first(a.size() - 2), axes);
  const auto right = broadcast_strides(std::span(b).first(b.size() - 2), axes);
  if (!left || !right) return std::nullopt;
  Batch batch;
  batch.m = a[a.size() - 2];
  batch.k = a.back();
  batch.n = b.back();
  batch.right_matrices = elements(std::span(b).first(b.size() - 2));
  if (b.size() == 2) {
    // One matrix on the right: the left ones are as many rows.
    batch.m = batch.n == 0 ? 0 : elements(out) / batch.n;
    batch.matrices = {{0, 0}};
    return batch;
  }
  for (int64_t matrix = 0; matrix < elements(axes); ++matrix) {
    Batch::Matrix at{0, 0};
    int64_t rest = matrix;
    for (size_t axis = axes.size(); axis-- > 0;) {
      at.a += rest % axes[axis] * (*left)[axis];
      at.b += rest % axes[axis] * (*right)[axis];
      rest /= axes[axis];
    }
    batch.matrices.push_back(at);
  }
  return batch;
}

struct Multiply {
  const KernelTable* kernels;
  IntegerNode node;
  Batch batch;
  ValueId a;
  ValueId b;
  ValueId y;
  const std::byte* packed;  ///< null: b is packed by the run

  size_t matrix_bytes() const {
    return static_cast<size_t>(panels_of(batch.n)) * integer_panel_bytes(batch.k);
  }
  size_t sums_bytes() const {
    return align_up(static_cast<size_t>(kIntegerTileRows * panels_of(batch.n) * kPanelRows) *
                    sizeof(int32_t));
  }
  size_t member_bytes() const {
    return node.bytes() + sums_bytes() + integer_scratch_bytes(batch.k);
  }
  size_t shared_bytes() const {
    return packed ? 0 : static_cast<size_t>(batch.right_matrices) * matrix_bytes();
  }

  void pack(const StepContext& context) const {
    const int64_t panels = panels_of(batch.n);
    const auto share = context.share(batch.right_matrices * panels);
    for (int64_t item = share.begin; item < share.end; ++item) {
      const int64_t matrix = item / panels;
      const auto* bytes = context.at<const uint8_t>(b) + matrix * batch.k * batch.n;
      pack_integer_panel(
          {bytes, batch.n, batch.k, 1, batch.n, node.b_flip()}, item % panels,
          context.shared_scratch + static_cast<size_t>(item) * integer_panel_bytes(batch.k));
    }
  }

  /// Rows [row, row + rows) of one matrix, for a range of panels.
  void multiply(const StepContext& context, const IntegerNode::Ready& ready, int64_t matrix,
                int64_t row, int64_t rows, Member::Share panels) const {
    const Batch::Matrix at = batch.matrices[static_cast<size_t>(matrix)];
    const std::byte* right =
        packed ? packed : context.shared_scratch + static_cast<size_t>(at.b) * matrix_bytes();
    std::byte* memory = context.member_scratch + node.bytes();
    auto* sums = reinterpret_cast<int32_t*>(memory);
    const int64_t stride = (panels.end - panels.begin) * kPanelRows;
    const int64_t first = panels.begin * kPanelRows;
    kernels->integer_product({context.at<const uint8_t>(a) + (at.a * batch.m + row) * batch.k,
                              batch.k, node.a_flip(), ready.a_zero, rows, batch.k, right,
                              ready.zeros, sums, stride, panels.begin, panels.end,
                              memory + sums_bytes()});
    const int64_t count = std::min(panels.end * kPanelRows, batch.n) - first;
    const auto bytes = static_cast<int64_t>(node.result_bytes());
    for (int64_t r = 0; r < rows; ++r) {
      node.finish(
          *kernels, ready, sums + r * stride, first, count,
          context.at<std::byte>(y) + ((matrix * batch.m + row + r) * batch.n + first) * bytes);
    }
  }

  void run(const StepContext& context) const {
    if (!packed) {
      pack(context);
      if (!context.barrier()) return;
    }
    const int64_t panels = panels_of(batch.n);
    const int64_t blocks = (batch.m + kIntegerTileRows - 1) / kIntegerTileRows;
    const int64_t items = blocks * static_cast<int64_t>(batch.matrices.size());
    const bool by_rows = items >= 2 * context.member.size() || items >= panels;
    const Member::Share rows = by_rows ? context.share(items) : Member::Share{0, items};
    const Member::Share columns = by_rows ? Member::Share{0, panels} : context.share(panels);
    if (rows.begin >= rows.end || columns.begin >= columns.end) return;
    const IntegerNode::Ready ready = node.prepare(context, context.member_scratch);
    for (int64_t item = rows.begin; item < rows.end; ++item) {
      const int64_t row = item % blocks * kIntegerTileRows;
      multiply(context, ready, item / blocks, row, std::min(kIntegerTileRows, batch.m - row),
               columns);
    }
  }
};

template <const ProductInputs& kInputs>
Result<std::optional<Lowered>> lower_product(const LowerInput& input) {
  const auto batch = batch_of(input.in_shape(0), input.in_shape(kInputs.b), input.out_shape());
  if (!batch) return std::optional<Lowered>();
  const auto node = IntegerNode::make(input, kInputs, batch->n);
  if (!node) return std::optional<Lowered>();
  const ValueId b = input.in(kInputs.b);
  const Packing packing = wanted_packing(input.graph, input.node, kInputs.b);
  const std::byte* packed =
      packing == Packing::kIntegerPanelsTransposed ? input.weights.find(b, packing) : nullptr;
  const Multiply job{input.setup.kernels, *node, *batch, input.in(0), b, input.out(), packed};
  Lowered lowered;
  lowered.reads = node->reads();
  if (!packed) lowered.reads.push_back(b);
  Step step;
  step.kernel = std::string("integer_product ") + input.setup.kernels->name;
  step.crew = elements(input.out_shape()) * batch->k < kSoloProducts ? Crew::kSolo : Crew::kAll;
  step.member_scratch = job.member_bytes();
  step.shared_scratch = job.shared_bytes();
  step.run = [job](StepContext& context) { job.run(context); };
  lowered.step = std::move(step);
  return lowered;
}

constexpr OperatorRow kRows[] = {
    {"MatMulInteger", "integer_product", lower_product<kIntegerInputs>},
    {"QLinearMatMul", "integer_product", lower_product<kScaledInputs>},
};

}  // namespace

std::span<const OperatorRow> integer_product_operators() { return kRows; }

}  // namespace tenwatt::cpu
