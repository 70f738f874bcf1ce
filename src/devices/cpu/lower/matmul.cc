// MatMul and Gemm: over a packed constant on the right, or over two activations.
#include "devices/cpu/kernels/panels.h"
#include "devices/cpu/lower/linear.h"
#include "devices/cpu/lower/strided.h"
#include "devices/cpu/lower/typed.h"

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

/// By numpy's rules: a vector on the left is a row, one on the right a column.
std::optional<BatchedProduct> batched_product(Shape a, Shape b) {
  if (a.empty() || b.empty()) return std::nullopt;
  if (a.size() == 1) a.insert(a.begin(), 1);
  if (b.size() == 1) b.push_back(1);
  const std::span a_batch = std::span(a).first(a.size() - 2);
  const std::span b_batch = std::span(b).first(b.size() - 2);
  Shape batch(std::max(a_batch.size(), b_batch.size()), 1);
  for (size_t axis = 1; axis <= batch.size(); ++axis) {
    int64_t& extent = batch[batch.size() - axis];
    if (axis <= a_batch.size()) extent = a_batch[a_batch.size() - axis];
    if (axis <= b_batch.size() && extent == 1) extent = b_batch[b_batch.size() - axis];
  }
  const auto a_strides = broadcast_strides(a_batch, batch);
  const auto b_strides = broadcast_strides(b_batch, batch);
  if (!a_strides || !b_strides || a.back() != b[b.size() - 2]) return std::nullopt;
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

/// The element type of both operands of a product; nullopt where they differ or are not numbers.
std::optional<Element> product_type(const LowerInput& input) {
  const auto type = element_of(input.in_format(0));
  const bool fits = type && *type != Element::kBool && input.in_format(1) == input.in_format(0);
  return fits ? type : std::nullopt;
}

std::string product_name(const KernelTable& kernels, Element type) {
  return std::string(type == Element::kF32 ? "matmul " : "product ") + kernels.name;
}

Result<std::optional<Lowered>> lower_matmul(const LowerInput& input) {
  const auto w = input.in_format(0) == Format::kF32 ? panel_matrix(input, 1) : std::nullopt;
  if (w && w->k > 0 && !input.in_shape(0).empty()) return packed_product(input, *w, nullptr);
  const auto product = batched_product(input.in_shape(0), input.in_shape(1));
  const auto type = product_type(input);
  if (!product || !type) return std::optional<Lowered>();
  const int64_t blocks = (product->m + kRowGrain - 1) / kRowGrain;
  const int64_t items = blocks * static_cast<int64_t>(product->offsets.size());
  const int64_t bytes = info(input.in_format(0)).bytes;
  const KernelTable* kernels = input.setup.kernels;
  const ValueId a = input.in(0);
  const ValueId b = input.in(1);
  const ValueId y = input.out();
  Step step;
  step.kernel = product_name(*kernels, *type);
  step.crew = elements(input.out_shape()) * product->k < kSoloProducts ? Crew::kSolo : Crew::kAll;
  step.run = [=, p = *product, type = *type](StepContext& context) {
    const auto share = context.share(items);
    for (int64_t item = share.begin; item < share.end; ++item) {
      const int64_t matrix = item / blocks;
      const int64_t row = item % blocks * kRowGrain;
      const auto [at_a, at_b] = p.offsets[static_cast<size_t>(matrix)];
      multiply(*kernels,
               {type, context.at<const std::byte>(a) + (at_a + row * p.k) * bytes, p.k, 1,
                context.at<const std::byte>(b) + at_b * bytes, p.n, 1,
                context.at<std::byte>(y) + (matrix * p.m + row) * p.n * bytes, p.n,
                std::min(kRowGrain, p.m - row), p.n, p.k},
               nullptr);
    }
  };
  Lowered lowered;
  lowered.reads = {a, b};
  lowered.step = std::move(step);
  return lowered;
}

/// Gemm with a constant B in panels and at most a constant row to add; nullopt for other forms.
Result<std::optional<Lowered>> packed_gemm(const LowerInput& input) {
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

/// alpha * A B + beta * C over any strides.
struct GemmStep {
  const KernelTable* kernels;
  Product product;  ///< operands are set when it runs
  int64_t bytes;
  float alpha;
  float beta;
  ValueId a, b, c, y;
  int64_t c_row;
  int64_t c_column;

  void run(const StepContext& context) const {
    const auto share = context.share(product.m, kRowGrain);
    if (share.begin >= share.end) return;
    Product part = product;
    part.a = context.at<const std::byte>(a) + share.begin * product.a_row * bytes;
    part.b = context.at<const std::byte>(b);
    part.c = context.at<std::byte>(y) + share.begin * product.n * bytes;
    part.m = share.end - share.begin;
    multiply(*kernels, part, reinterpret_cast<float*>(context.member_scratch));
    if (c == graph::kNoValue && alpha == 1) return;
    static constexpr double kZero = 0;  // zero in every type
    for (int64_t row = share.begin; row < share.end; ++row) {
      Elements add{&kZero, 0};
      if (c != graph::kNoValue) {
        add = {context.at<const std::byte>(c) + row * c_row * bytes, c_column};
      }
      kernels->blend(product.type, context.at<std::byte>(y) + row * product.n * bytes, product.n,
                     alpha, beta, add);
    }
  }
};

Result<std::optional<Lowered>> lower_gemm(const LowerInput& input) {
  auto packed = TENWATT_TRY(packed_gemm(input));
  if (packed) return packed;
  const auto type = product_type(input);
  const Shape& a = input.in_shape(0);
  const Shape& b = input.in_shape(1);
  const Shape& out = input.out_shape();
  if (!type || a.size() != 2 || b.size() != 2 || out.size() != 2) return std::optional<Lowered>();
  const auto c = input.has(2) ? broadcast_strides(input.in_shape(2), out) : Shape{0, 0};
  if (!c || (input.has(2) && input.in_format(2) != input.in_format(0))) {
    return std::optional<Lowered>();
  }
  const bool flip_a = input.node.integer("transA", 0) != 0;
  const bool flip_b = input.node.integer("transB", 0) != 0;
  const int64_t k = a[flip_a ? 0 : 1];
  GemmStep gemm{};
  gemm.kernels = input.setup.kernels;
  gemm.product = {*type,          nullptr,
                  flip_a ? 1 : k, flip_a ? a[1] : 1,
                  nullptr,        flip_b ? 1 : out[1],
                  flip_b ? k : 1, nullptr,
                  out[1],         out[0],
                  out[1],         k};
  gemm.bytes = info(input.in_format(0)).bytes;
  gemm.alpha = input.node.real("alpha", 1);
  gemm.beta = input.node.real("beta", 1);
  gemm.a = input.in(0);
  gemm.b = input.in(1);
  gemm.c = input.has(2) ? input.in(2) : graph::kNoValue;
  gemm.y = input.out();
  gemm.c_row = (*c)[0];
  gemm.c_column = (*c)[1];
  Step step;
  step.kernel = product_name(*gemm.kernels, *type);
  step.crew = elements(out) * k < kSoloProducts ? Crew::kSolo : Crew::kAll;
  step.member_scratch = flip_b ? matmul_scratch_floats(k) * sizeof(float) : 0;
  step.run = [gemm](StepContext& context) { gemm.run(context); };
  Lowered lowered;
  lowered.reads = {gemm.a, gemm.b, gemm.c};
  lowered.step = std::move(step);
  return lowered;
}

constexpr OperatorRow kRows[] = {
    {"Gemm", "linear_float", lower_gemm},
    {"MatMul", "matmul", lower_matmul},
};

}  // namespace

std::span<const OperatorRow> matmul_operators() { return kRows; }

}  // namespace tenwatt::cpu
