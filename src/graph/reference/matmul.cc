// Matrix products: MatMul by numpy's rules, Gemm. Each element is one sum, in double for floats and
// modulo 2^64 for integers.
#include "graph/reference/kernel.h"

namespace tenwatt::graph::reference {
namespace {

/// A matrix in memory: element (i, j) at i*row + j*column.
template <class T>
struct Matrix {
  const T* data;
  int64_t row;
  int64_t column;
};

/// sums[j] = sum over p of a(i, p) * b(p, j).
template <class T>
void product_row(Matrix<T> a, int64_t i, int64_t k, Matrix<T> b, std::span<Sum<T>> sums) {
  std::ranges::fill(sums, Sum<T>(0));
  for (int64_t p = 0; p < k; ++p) {
    Sum<T> factor = static_cast<Sum<T>>(Work<T>(a.data[i * a.row + p * a.column]));
    const T* row = b.data + p * b.row;
    for (size_t j = 0; j < sums.size(); ++j) {
      sums[j] += factor * static_cast<Sum<T>>(Work<T>(row[static_cast<int64_t>(j) * b.column]));
    }
  }
}

/// A shape with an axis of one where MatMul promotes a vector, split into batch and matrix.
struct Operand {
  Shape batch;
  int64_t rows;
  int64_t columns;
};

Operand left_operand(const Shape& shape) {
  if (shape.size() == 1) return {{}, 1, shape[0]};
  return {Shape(shape.begin(), shape.end() - 2), shape[shape.size() - 2], shape.back()};
}

Operand right_operand(const Shape& shape) {
  if (shape.size() == 1) return {{}, shape[0], 1};
  return left_operand(shape);
}

template <class T>
void multiply(const Tensor& a, const Operand& left, const Tensor& b, const Operand& right,
              const Shape& batch, Tensor& result) {
  std::vector<Sum<T>> sums(static_cast<size_t>(right.columns));
  T* to = result.mutable_values<T>().data();
  Walk<2> space{batch,
                {broadcast_strides(left.batch, batch), broadcast_strides(right.batch, batch)}};
  walk_rows(space, [&](const auto& offsets, const auto& steps, int64_t count) {
    for (int64_t n = 0; n < count; ++n) {
      int64_t left_at = (offsets[0] + n * steps[0]) * left.rows * left.columns;
      int64_t right_at = (offsets[1] + n * steps[1]) * right.rows * right.columns;
      Matrix<T> matrix{a.values<T>().data() + left_at, left.columns, 1};
      Matrix<T> other{b.values<T>().data() + right_at, right.columns, 1};
      for (int64_t i = 0; i < left.rows; ++i) {
        product_row<T>(matrix, i, left.columns, other, sums);
        to = std::ranges::transform(sums, to, narrow<T>).out;
      }
    }
  });
}

Outputs mat_mul(const Node&, Inputs inputs, const ReferenceContext&) {
  const Tensor& a = *TENWATT_TRY(need(inputs, 0, "A"));
  const Tensor& b = *TENWATT_TRY(need_format(inputs, 1, "B", a.format()));
  if (a.rank() == 0 || b.rank() == 0) return invalid("a scalar is no matrix");
  Operand left = left_operand(a.shape());
  Operand right = right_operand(b.shape());
  if (left.columns != right.rows) {
    return invalid(to_string(a.shape()) + " and " + to_string(b.shape()) + " don't multiply");
  }
  Shape batch = TENWATT_TRY(broadcast(left.batch, right.batch));
  Shape shape = batch;
  if (a.rank() > 1) shape.push_back(left.rows);
  if (b.rank() > 1) shape.push_back(right.columns);
  Tensor result = TENWATT_TRY(Tensor::create(a.format(), std::move(shape)));
  if (result.count() == 0) return one(std::move(result));
  TENWATT_TRY(with_number(a.format(), "A", [&]<class T>() -> Status {
    multiply<T>(a, left, b, right, batch, result);
    return {};
  }));
  return one(std::move(result));
}

/// alpha * A' B' + beta * C, where A' and B' are transposed if the attributes say so.
Outputs gemm(const Node& node, Inputs inputs, const ReferenceContext&) {
  const Tensor& a = *TENWATT_TRY(need(inputs, 0, "A"));
  const Tensor& b = *TENWATT_TRY(need_format(inputs, 1, "B", a.format()));
  const Tensor* c = maybe(inputs, 2);
  if (a.rank() != 2 || b.rank() != 2) return invalid("A and B must be matrices");
  bool flip_a = node.integer("transA", 0) != 0;
  bool flip_b = node.integer("transB", 0) != 0;
  int64_t m = a.shape()[flip_a ? 1 : 0];
  int64_t k = a.shape()[flip_a ? 0 : 1];
  int64_t n = b.shape()[flip_b ? 0 : 1];
  if (b.shape()[flip_b ? 1 : 0] != k) {
    return invalid(to_string(a.shape()) + " and " + to_string(b.shape()) + " don't multiply");
  }
  Shape shape{m, n};
  if (c != nullptr) {
    if (c->format() != a.format()) return wrong_format("C", c->format());
    if (TENWATT_TRY(broadcast(c->shape(), shape)) != shape) return invalid("C is too large");
  }
  Tensor result = TENWATT_TRY(Tensor::create(a.format(), shape));
  if (result.count() == 0) return one(std::move(result));
  TENWATT_TRY(with_number(a.format(), "A", [&]<class T>() -> Status {
    Matrix<T> left{a.values<T>().data(), flip_a ? 1 : k, flip_a ? m : 1};
    Matrix<T> right{b.values<T>().data(), flip_b ? 1 : n, flip_b ? k : 1};
    Integers strides = c == nullptr ? Integers{0, 0} : broadcast_strides(c->shape(), shape);
    double alpha = node.real("alpha", 1);
    double beta = node.real("beta", 1);
    std::vector<Sum<T>> sums(static_cast<size_t>(n));
    T* to = result.mutable_values<T>().data();
    for (int64_t i = 0; i < m; ++i) {
      product_row<T>(left, i, k, right, sums);
      for (int64_t j = 0; j < n; ++j) {
        Sum<T> sum = sums[static_cast<size_t>(j)];
        Sum<T> added = 0;
        if (c != nullptr) {
          added = static_cast<Sum<T>>(
              Work<T>(c->values<T>()[static_cast<size_t>(i * strides[0] + j * strides[1])]));
        }
        if constexpr (kIsFloat<T>) {
          to[i * n + j] = narrow<T>(alpha * sum + beta * added);
        } else if (alpha == 1 && beta == 1) {
          to[i * n + j] = narrow<T>(sum + added);
        } else {
          to[i * n + j] = saturated<T>(alpha * static_cast<double>(narrow<T>(sum)) +
                                       beta * static_cast<double>(narrow<T>(added)));
        }
      }
    }
    return {};
  }));
  return one(std::move(result));
}

}  // namespace

std::span<const Entry> matmul_kernels() {
  static constexpr Entry kEntries[] = {{"Gemm", gemm}, {"MatMul", mat_mul}};
  return kEntries;
}

}  // namespace tenwatt::graph::reference
