// Reductions and running sums along axes. Float sums are accumulated in double; integer sums wrap.
#include <cmath>
#include <limits>

#include "graph/reference/kernel.h"

namespace tenwatt::graph::reference {
namespace {

/// What a reduction does to stored T: A is the accumulator.
struct SumOf {
  template <class T>
  using Accumulator = Sum<T>;
  template <class T>
  static Sum<T> start() {
    return 0;
  }
  template <class T>
  static void add(Sum<T>& sum, T x) {
    sum += static_cast<Sum<T>>(Work<T>(x));
  }
  template <class T>
  static T finish(Sum<T> sum, int64_t) {
    return narrow<T>(sum);
  }
};
struct MeanOf : SumOf {
  template <class T>
  static T finish(Sum<T> sum, int64_t count) {
    if constexpr (kIsFloat<T>) {
      return narrow<T>(sum / static_cast<double>(count));
    } else if constexpr (std::is_signed_v<T>) {
      return count == 0 ? T(0) : static_cast<T>(static_cast<int64_t>(sum) / count);
    } else {
      return count == 0 ? T(0) : static_cast<T>(sum / static_cast<uint64_t>(count));
    }
  }
};
struct ProductOf : SumOf {
  template <class T>
  static Sum<T> start() {
    return 1;
  }
  template <class T>
  static void add(Sum<T>& product, T x) {
    product *= static_cast<Sum<T>>(Work<T>(x));
  }
};
struct MaximumOf {
  template <class T>
  using Accumulator = Work<T>;
  template <class T>
  static Work<T> start() {
    using W = Work<T>;
    if constexpr (std::is_floating_point_v<W>) return -std::numeric_limits<W>::infinity();
    return std::numeric_limits<W>::lowest();
  }
  template <class T>
  static void add(Work<T>& best, T x) {
    Work<T> value = x;
    if (value > best || value != value) best = value;  // NaN wins and stays
  }
  template <class T>
  static T finish(Work<T> best, int64_t) {
    return T(best);
  }
};
struct MinimumOf : MaximumOf {
  template <class T>
  static Work<T> start() {
    using W = Work<T>;
    if constexpr (std::is_floating_point_v<W>) return std::numeric_limits<W>::infinity();
    return std::numeric_limits<W>::max();
  }
  template <class T>
  static void add(Work<T>& best, T x) {
    Work<T> value = x;
    if (value < best || value != value) best = value;
  }
};

/// Extents of the result with reduced axes kept as 1.
struct Reduction {
  Shape kept;
  Shape shape;        ///< as the node wants it
  int64_t count = 1;  ///< elements that each result is made of
};

Result<Reduction> plan(const Node& node, Inputs inputs, const Tensor& data) {
  Integers axes = TENWATT_TRY(list_of(node, inputs, 1, "axes"));
  // An axis may be named twice; a scalar has none, and runtimes read past those that a node names.
  if (data.rank() == 0) axes.clear();
  for (int64_t& axis : axes) axis = TENWATT_TRY(axis_in(axis, data.rank()));
  bool nothing = axes.empty() && node.integer("noop_with_empty_axes", 0) != 0;
  bool everything = axes.empty() && !nothing;
  bool keeps = node.integer("keepdims", 1) != 0;
  Reduction reduction;
  for (int64_t axis = 0; axis < data.rank(); ++axis) {
    int64_t extent = data.shape()[static_cast<size_t>(axis)];
    if (!everything && std::ranges::find(axes, axis) == axes.end()) {
      reduction.kept.push_back(extent);
      reduction.shape.push_back(extent);
      continue;
    }
    reduction.kept.push_back(1);
    if (keeps) reduction.shape.push_back(1);
    reduction.count *= extent;
  }
  return reduction;
}

template <class Op, class T>
void reduce_into(const Tensor& data, const Reduction& reduction, Tensor& result) {
  // A vector of bool has no references, so bytes hold the accumulators of bools.
  using Held = typename Op::template Accumulator<T>;
  using Slot = std::conditional_t<std::is_same_v<Held, bool>, Truth, Held>;
  std::vector<Slot> held(static_cast<size_t>(result.count()), Slot(Op::template start<T>()));
  const T* from = data.values<T>().data();
  Walk<2> space{data.shape(),
                {strides_of(data.shape()), broadcast_strides(reduction.kept, data.shape())}};
  walk_rows(space, [&](const auto& offsets, const auto& steps, int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
      Slot& slot = held[static_cast<size_t>(offsets[1] + i * steps[1])];
      Held value = slot;
      Op::template add<T>(value, from[offsets[0] + i * steps[0]]);
      slot = Slot(value);
    }
  });
  std::ranges::transform(held, result.mutable_values<T>().begin(), [&](Slot value) {
    return Op::template finish<T>(static_cast<Held>(value), reduction.count);
  });
}

template <class Op>
Outputs reduce(const Node& node, Inputs inputs, const ReferenceContext&) {
  const Tensor& data = *TENWATT_TRY(need(inputs, 0, "data"));
  Reduction reduction = TENWATT_TRY(plan(node, inputs, data));
  Tensor result = TENWATT_TRY(Tensor::create(data.format(), reduction.shape));
  Status status = [&]() -> Status {
    auto fill = [&]<class T>() -> Status {
      reduce_into<Op, T>(data, reduction, result);
      return {};
    };
    if constexpr (std::is_base_of_v<MaximumOf, Op>) {
      return with_scalar(data.format(), "data", fill);
    } else {
      return with_number(data.format(), "data", fill);
    }
  }();
  TENWATT_TRY(std::move(status));
  return one(std::move(result));
}

struct Direction {
  bool exclusive;
  bool reverse;
};

/// One running sum over `extent` elements that lie `step` apart.
template <class T>
void running_sum(const T* from, T* to, int64_t extent, int64_t step, Direction direction) {
  Sum<T> sum = 0;
  for (int64_t i = 0; i < extent; ++i) {
    int64_t at = (direction.reverse ? extent - 1 - i : i) * step;
    if (direction.exclusive) to[at] = narrow<T>(sum);
    sum += static_cast<Sum<T>>(Work<T>(from[at]));
    if (!direction.exclusive) to[at] = narrow<T>(sum);
  }
}

Outputs cum_sum(const Node& node, Inputs inputs, const ReferenceContext&) {
  const Tensor& x = *TENWATT_TRY(need(inputs, 0, "x"));
  const Tensor& axis_input = *TENWATT_TRY(need(inputs, 1, "axis"));
  int64_t axis = TENWATT_TRY(integer_of(axis_input, "axis"));
  axis = TENWATT_TRY(axis_in(axis, x.rank()));
  Direction direction{node.integer("exclusive", 0) != 0, node.integer("reverse", 0) != 0};
  int64_t outer = extent_product(x.shape(), 0, axis);
  int64_t extent = x.shape()[static_cast<size_t>(axis)];
  int64_t inner = extent_product(x.shape(), axis + 1, x.rank());
  Tensor result = TENWATT_TRY(Tensor::create(x.format(), x.shape()));
  if (result.count() == 0) return one(std::move(result));
  TENWATT_TRY(with_number(x.format(), "x", [&]<class T>() -> Status {
    const T* from = x.values<T>().data();
    T* to = result.mutable_values<T>().data();
    for (int64_t o = 0; o < outer; ++o) {
      for (int64_t i = 0; i < inner; ++i) {
        int64_t start = o * extent * inner + i;
        running_sum(from + start, to + start, extent, inner, direction);
      }
    }
    return {};
  }));
  return one(std::move(result));
}

}  // namespace

std::span<const Entry> reduce_kernels() {
  static constexpr Entry kEntries[] = {
      {"CumSum", cum_sum},
      {"ReduceMax", reduce<MaximumOf>},
      {"ReduceMean", reduce<MeanOf>},
      {"ReduceMin", reduce<MinimumOf>},
      {"ReduceProd", reduce<ProductOf>},
      {"ReduceSum", reduce<SumOf>},
  };
  return kEntries;
}

}  // namespace tenwatt::graph::reference
