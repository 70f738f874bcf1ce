// MatMul and Gemm: over a packed constant on the right, or over two activations.
#include "devices/cpu/kernels/panels.h"
#include "devices/cpu/lower/linear.h"
#include "devices/cpu/lower/strided.h"

namespace tenwatt::cpu {
namespace {

using graph::ValueId;

constexpr int64_t kRowGrain = 16;
constexpr int64_t kSoloProducts = 1 << 16;

/// Work is shared by panels; where there are few of them and many rows, by rows.
struct ProductShare {
  Member::Share panels;
  Member::Share rows;
};
ProductShare share_product(const StepContext& context, int64_t panels, int64_t rows) {
  const bool by_rows = panels < 2 * context.member.size() && rows >= kRowGrain;
  if (by_rows) return {{0, panels}, context.share(rows, kRowGrain)};
  return {context.share(panels), {0, rows}};
}

Lowered packed_product(const LowerInput& input, const PanelMatrix& w, const float* bias) {
  const int64_t rows = elements(input.in_shape(0)) / w.k;
  const int64_t panels = panels_of(w.outputs);
  const KernelTable* kernels = input.setup.kernels;
  const ValueId x = input.in(0);
  const ValueId y = input.out();
  Step step;
  step.kernel = std::string("linear_float ") + kernels->name;
  step.crew = rows * w.outputs * w.k < kSoloProducts ? Crew::kSolo : Crew::kAll;
  step.run = [=](StepContext& context) {
    const ProductShare share = share_product(context, panels, rows);
    multiply_floats(*kernels, w, context.at<const float>(x) + share.rows.begin * w.k,
                    share.rows.end - share.rows.begin, bias,
                    context.at<float>(y) + share.rows.begin * w.outputs, share.panels.begin,
                    share.panels.end);
  };
  Lowered lowered;
  lowered.reads = {x};
  lowered.step = std::move(step);
  return lowered;
}

/// A product of two activations: every matrix of the batch with the offsets of its operands.
struct BatchedProduct {
  std::vector<std::pair<int64_t, int64_t>> offsets;  ///< of a and b, by matrix
  int64_t m, n, k;
};

std::optional<BatchedProduct> batched_product(const LowerInput& input) {
  const Shape& a = input.in_shape(0);
  const Shape& b = input.in_shape(1);
  const Shape& out = input.out_shape();
  if (a.size() < 2 || b.size() < 2 || out.size() < 2) return std::nullopt;
  const std::span batch = std::span(out).first(out.size() - 2);
  const auto a_strides = broadcast_strides(std::span(a).first(a.size() - 2), batch);
  const auto b_strides = broadcast_strides(std::span(b).first(b.size() - 2), batch);
  if (!a_strides || !b_strides) return std::nullopt;
  BatchedProduct product;
  product.m = a[a.size() - 2];
  product.k = a.back();
  product.n = b.back();
  const int64_t matrices = elements(batch);
  for (int64_t matrix = 0; matrix < matrices; ++matrix) {
    int64_t rest = matrix;
    int64_t at_a = 0;
    int64_t at_b = 0;
    for (size_t axis = batch.size(); axis-- > 0;) {
      at_a += rest % batch[axis] * (*a_strides)[axis];
      at_b += rest % batch[axis] * (*b_strides)[axis];
      rest /= batch[axis];
    }
    product.offsets.push_back({at_a * product.m * product.k, at_b * product.k * product.n});
  }
  return product;
}

Result<std::optional<Lowered>> lower_matmul(const LowerInput& input) {
  if (input.in_format(0) != Format::kF32) return std::optional<Lowered>();
  const auto w = panel_matrix(input, 1);
  if (w && w->k > 0 && !input.in_shape(0).empty()) return packed_product(input, *w, nullptr);
  const auto product = batched_product(input);
  if (!product || input.in_format(1) != Format::kF32) return std::optional<Lowered>();
  const int64_t blocks = (product->m + kRowGrain - 1) / kRowGrain;
  const int64_t items = blocks * static_cast<int64_t>(product->offsets.size());
  const KernelTable* kernels = input.setup.kernels;
  const ValueId a = input.in(0);
  const ValueId b = input.in(1);
  const ValueId y = input.out();
  Step step;
  step.kernel = std::string("matmul ") + kernels->name;
  step.crew = elements(input.out_shape()) * product->k < kSoloProducts ? Crew::kSolo : Crew::kAll;
  step.run = [=, p = *product](StepContext& context) {
    const auto share = context.share(items);
    for (int64_t item = share.begin; item < share.end; ++item) {
      const int64_t matrix = item / blocks;
      const int64_t row = item % blocks * kRowGrain;
      const auto [at_a, at_b] = p.offsets[static_cast<size_t>(matrix)];
      kernels->matmul({context.at<const float>(a) + at_a + row * p.k, p.k,
                       context.at<const float>(b) + at_b, p.n,
                       context.at<float>(y) + (matrix * p.m + row) * p.n, p.n,
                       std::min(kRowGrain, p.m - row), p.n, p.k, MatmulB::kPlain, nullptr});
    }
  };
  Lowered lowered;
  lowered.reads = {a, b};
  lowered.step = std::move(step);
  return lowered;
}

Result<std::optional<Lowered>> lower_gemm(const LowerInput& input) {
  const auto w = panel_matrix(input, 1);
  if (!w || w->k == 0 || input.in_format(0) != Format::kF32 || input.node.real("beta", 1) != 1) {
    return std::optional<Lowered>();
  }
  const float* bias = nullptr;
  if (input.has(2)) {
    const ValueId id = input.in(2);
    const Shape& shape = input.shape(id);
    const bool row_vector = input.is_constant(id) && input.format(id) == Format::kF32 &&
                            elements(shape) == w->outputs && !shape.empty() &&
                            shape.back() == w->outputs;
    if (!row_vector) return std::optional<Lowered>();
    bias = reinterpret_cast<const float*>(input.weights.plain(id));
  }
  return packed_product(input, *w, bias);
}

constexpr OperatorRow kRows[] = {
    {"Gemm", "linear_float", lower_gemm},
    {"MatMul", "matmul", lower_matmul},
};

}  // namespace

std::span<const OperatorRow> matmul_operators() { return kRows; }

}  // namespace tenwatt::cpu
