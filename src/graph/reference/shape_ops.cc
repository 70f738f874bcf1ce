// Operators that read or change shapes only, and those that make tensors from shapes. Results share
// the bytes of their input where the elements stay as they are.
#include <cmath>
#include <cstring>

#include "graph/reference/kernel.h"

namespace tenwatt::graph::reference {
namespace {

Outputs identity(const Node&, Inputs inputs, const ReferenceContext&) {
  return one(*TENWATT_TRY(need(inputs, 0, "input")));
}

Outputs shape(const Node& node, Inputs inputs, const ReferenceContext&) {
  const Tensor& data = *TENWATT_TRY(need(inputs, 0, "data"));
  int64_t rank = data.rank();
  auto clamped = [rank](int64_t axis) {
    return std::clamp<int64_t>(axis < 0 ? axis + rank : axis, 0, rank);
  };
  int64_t start = clamped(node.integer("start", 0));
  int64_t end = std::max(start, clamped(node.integer("end", rank)));
  std::span<const int64_t> extents(data.shape());
  extents = extents.subspan(static_cast<size_t>(start), static_cast<size_t>(end - start));
  return one(Tensor::of(extents, {end - start}));
}

Outputs size(const Node&, Inputs inputs, const ReferenceContext&) {
  const Tensor& data = *TENWATT_TRY(need(inputs, 0, "data"));
  return one(Tensor::scalar<int64_t>(data.count()));
}

/// The extents that a Reshape asks for: 0 copies the input's extent (unless `allowzero`), one -1
/// takes what is left.
Result<Shape> wanted_shape(const Tensor& data, Integers wanted, int64_t allow_zero) {
  std::optional<size_t> open;
  for (size_t axis = 0; axis < wanted.size(); ++axis) {
    if (wanted[axis] == 0 && allow_zero == 0) {
      if (axis >= data.shape().size()) return invalid("shape copies an axis that is not there");
      wanted[axis] = data.shape()[axis];
    } else if (wanted[axis] == -1) {
      if (open) return invalid("shape has two extents of -1");
      open = axis;
      wanted[axis] = 1;
    }
  }
  int64_t known = TENWATT_TRY(checked_elements(wanted));
  if (!open) return wanted;
  if (known == 0 || data.count() % known != 0) {
    return invalid(to_string(data.shape()) + " has no whole extent for the -1 of the shape");
  }
  wanted[*open] = data.count() / known;
  return wanted;
}

Outputs reshape(const Node& node, Inputs inputs, const ReferenceContext&) {
  const Tensor& data = *TENWATT_TRY(need(inputs, 0, "data"));
  Integers wanted = TENWATT_TRY(list_of(node, inputs, 1, "shape"));
  Shape shape = TENWATT_TRY(wanted_shape(data, wanted, node.integer("allowzero", 0)));
  return one(TENWATT_TRY(data.reshaped(std::move(shape))));
}

Outputs flatten(const Node& node, Inputs inputs, const ReferenceContext&) {
  const Tensor& data = *TENWATT_TRY(need(inputs, 0, "input"));
  int64_t axis = node.integer("axis", 1);
  if (axis != data.rank()) axis = TENWATT_TRY(axis_in(axis, data.rank()));
  return one(TENWATT_TRY(data.reshaped(
      {extent_product(data.shape(), 0, axis), extent_product(data.shape(), axis, data.rank())})));
}

Outputs squeeze(const Node& node, Inputs inputs, const ReferenceContext&) {
  const Tensor& data = *TENWATT_TRY(need(inputs, 0, "data"));
  Integers axes = TENWATT_TRY(list_of(node, inputs, 1, "axes"));
  axes = TENWATT_TRY(axes_in(axes, data.rank()));
  bool all_ones = maybe(inputs, 1) == nullptr && axes.empty();
  Shape shape;
  for (int64_t axis = 0; axis < data.rank(); ++axis) {
    int64_t extent = data.shape()[static_cast<size_t>(axis)];
    bool named = std::ranges::find(axes, axis) != axes.end();
    if (named && extent != 1) {
      return invalid("axis " + std::to_string(axis) + " of " + to_string(data.shape()) +
                     " is not 1");
    }
    if (!named && !(all_ones && extent == 1)) shape.push_back(extent);
  }
  return one(TENWATT_TRY(data.reshaped(std::move(shape))));
}

Outputs unsqueeze(const Node& node, Inputs inputs, const ReferenceContext&) {
  const Tensor& data = *TENWATT_TRY(need(inputs, 0, "data"));
  Integers axes = TENWATT_TRY(list_of(node, inputs, 1, "axes"));
  int64_t rank = data.rank() + static_cast<int64_t>(axes.size());
  axes = TENWATT_TRY(axes_in(axes, rank));
  Shape shape;
  size_t next = 0;
  for (int64_t axis = 0; axis < rank; ++axis) {
    bool added = std::ranges::find(axes, axis) != axes.end();
    shape.push_back(added ? 1 : data.shape()[next++]);
  }
  return one(TENWATT_TRY(data.reshaped(std::move(shape))));
}

Outputs constant(const Node& node, Inputs, const ReferenceContext&) {
  for (std::string_view key : {"value", "value_float", "value_int", "value_floats", "value_ints"}) {
    const Attribute* attribute = node.attribute(key);
    if (attribute == nullptr) continue;
    if (const auto* tensor = std::get_if<Tensor>(attribute)) return one(*tensor);
    if (const auto* real = std::get_if<float>(attribute)) return one(Tensor::scalar(*real));
    if (const auto* number = std::get_if<int64_t>(attribute)) return one(Tensor::scalar(*number));
    if (const auto* reals = std::get_if<std::vector<float>>(attribute)) {
      return one(Tensor::of(std::span<const float>(*reals), {std::ssize(*reals)}));
    }
    if (const auto* numbers = std::get_if<Integers>(attribute)) {
      return one(Tensor::of(std::span<const int64_t>(*numbers), {std::ssize(*numbers)}));
    }
  }
  return invalid("a Constant without a value");
}

/// A tensor of `shape` whose elements all equal the one element of `value`.
Result<Tensor> filled(const Tensor& value, Shape shape) {
  if (value.count() != 1) return invalid("the value needs one element");
  size_t bytes = TENWATT_TRY(element_bytes(value));
  Tensor result = TENWATT_TRY(Tensor::create(value.format(), std::move(shape)));
  Walk<2> space{{result.count()}, {Integers{1}, Integers{0}}};
  copy_elements(space, bytes, result.mutable_bytes().data(), value.bytes().data());
  return result;
}

Outputs constant_of_shape(const Node& node, Inputs inputs, const ReferenceContext&) {
  const Tensor& extents = *TENWATT_TRY(need(inputs, 0, "input"));
  Integers shape = TENWATT_TRY(integers_of(extents, "input"));
  const Attribute* attribute = node.attribute("value");
  const Tensor* value = attribute == nullptr ? nullptr : std::get_if<Tensor>(attribute);
  if (attribute != nullptr && value == nullptr) return invalid("'value' is not a tensor");
  return one(TENWATT_TRY(filled(value == nullptr ? Tensor::scalar(0.0F) : *value, shape)));
}

Outputs range(const Node&, Inputs inputs, const ReferenceContext&) {
  const Tensor& start = *TENWATT_TRY(need(inputs, 0, "start"));
  const Tensor& limit = *TENWATT_TRY(need_format(inputs, 1, "limit", start.format()));
  const Tensor& delta = *TENWATT_TRY(need_format(inputs, 2, "delta", start.format()));
  if (start.count() != 1 || limit.count() != 1 || delta.count() != 1) {
    return invalid("start, limit and delta must be scalars");
  }
  Result<Tensor> result = with_number(start.format(), "start", [&]<class T>() -> Result<Tensor> {
    using W = Work<T>;
    W first = start.values<T>()[0];
    W step = delta.values<T>()[0];
    double span = static_cast<double>(W(limit.values<T>()[0])) - static_cast<double>(first);
    double count = std::max(0.0, std::ceil(span / static_cast<double>(step)));
    if (step == 0 || !(count < 0x1p40)) return invalid("the range has no end");
    Tensor values = TENWATT_TRY(Tensor::create(start.format(), {static_cast<int64_t>(count)}));
    std::span<T> to = values.mutable_values<T>();
    for (size_t i = 0; i < to.size(); ++i) {
      to[i] = T(static_cast<W>(first + static_cast<W>(i) * step));
    }
    return values;
  });
  return one(TENWATT_TRY(std::move(result)));
}

Outputs expand(const Node&, Inputs inputs, const ReferenceContext&) {
  const Tensor& data = *TENWATT_TRY(need(inputs, 0, "input"));
  const Tensor& extents = *TENWATT_TRY(need(inputs, 1, "shape"));
  Integers wanted = TENWATT_TRY(integers_of(extents, "shape"));
  TENWATT_TRY(checked_elements(wanted));
  Shape shape = TENWATT_TRY(broadcast(data.shape(), wanted));
  size_t bytes = TENWATT_TRY(element_bytes(data));
  Tensor result = TENWATT_TRY(Tensor::create(data.format(), shape));
  Walk<2> space{shape, {strides_of(shape), broadcast_strides(data.shape(), shape)}};
  copy_elements(space, bytes, result.mutable_bytes().data(), data.bytes().data());
  return one(std::move(result));
}

}  // namespace

std::span<const Entry> shape_kernels() {
  static constexpr Entry kEntries[] = {
      {"Constant", constant},   {"ConstantOfShape", constant_of_shape},
      {"Expand", expand},       {"Flatten", flatten},
      {"Identity", identity},   {"Range", range},
      {"Reshape", reshape},     {"Shape", shape},
      {"Size", size},           {"Squeeze", squeeze},
      {"Unsqueeze", unsqueeze},
  };
  return kEntries;
}

}  // namespace tenwatt::graph::reference
