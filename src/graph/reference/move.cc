// Operators that move elements by arithmetic on axes: Transpose, Concat, Split, Slice, Tile. All
// are strided copies.
#include "graph/reference/kernel.h"

namespace tenwatt::graph::reference {
namespace {

Outputs transpose(const Node& node, Inputs inputs, const ReferenceContext&) {
  const Tensor& data = *TENWATT_TRY(need(inputs, 0, "data"));
  size_t bytes = TENWATT_TRY(element_bytes(data));
  Integers order = node.integers("perm");
  if (node.attribute("perm") == nullptr) {
    for (int64_t axis = data.rank(); axis > 0; --axis) order.push_back(axis - 1);
  }
  order = TENWATT_TRY(axes_in(order, data.rank()));
  if (std::ssize(order) != data.rank()) return invalid("perm does not list every axis");
  Integers own = strides_of(data.shape());
  Shape shape;
  Integers from;
  for (int64_t axis : order) {
    shape.push_back(data.shape()[static_cast<size_t>(axis)]);
    from.push_back(own[static_cast<size_t>(axis)]);
  }
  Tensor result = TENWATT_TRY(Tensor::create(data.format(), shape));
  copy_elements({shape, {strides_of(shape), from}}, bytes, result.mutable_bytes().data(),
                data.bytes().data());
  return one(std::move(result));
}

/// Copies a part of `extent` along the axis between tensors that agree in all other extents. The
/// part lies at `at` in the whole.
struct Part {
  int64_t outer;
  int64_t whole;
  int64_t extent;
  int64_t inner;
  int64_t at;
  Walk<2> walk_into_whole() const {
    return {{outer, extent * inner}, {Integers{whole * inner, 1}, Integers{extent * inner, 1}}};
  }
  Walk<2> walk_from_whole() const {
    return {{outer, extent * inner}, {Integers{extent * inner, 1}, Integers{whole * inner, 1}}};
  }
  size_t offset(size_t bytes) const { return static_cast<size_t>(at * inner) * bytes; }
};

Status agrees(const Tensor& first, const Tensor& next, int64_t axis) {
  if (next.format() != first.format()) return wrong_format("an input", next.format());
  Shape expected = first.shape();
  if (next.rank() == first.rank()) {
    expected[static_cast<size_t>(axis)] = next.shape()[static_cast<size_t>(axis)];
  }
  if (next.shape() == expected) return {};
  return invalid(to_string(next.shape()) + " can't be joined to " + to_string(first.shape()) +
                 " along axis " + std::to_string(axis));
}

Outputs concat(const Node& node, Inputs inputs, const ReferenceContext&) {
  const Tensor& first = *TENWATT_TRY(need(inputs, 0, "inputs"));
  size_t bytes = TENWATT_TRY(element_bytes(first));
  int64_t axis = TENWATT_TRY(axis_in(node.integer("axis", 0), first.rank()));
  Shape shape = first.shape();
  int64_t& whole = shape[static_cast<size_t>(axis)];
  whole = 0;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Tensor& next = *TENWATT_TRY(need(inputs, i, "inputs"));
    TENWATT_TRY(agrees(first, next, axis));
    whole += next.shape()[static_cast<size_t>(axis)];
  }
  Tensor result = TENWATT_TRY(Tensor::create(first.format(), shape));
  Part part{extent_product(shape, 0, axis), whole, 0, extent_product(shape, axis + 1, first.rank()),
            0};
  for (const ReferenceInput& next : inputs) {
    part.extent = next->shape()[static_cast<size_t>(axis)];
    copy_elements(part.walk_into_whole(), bytes, result.mutable_bytes().data() + part.offset(bytes),
                  next->bytes().data());
    part.at += part.extent;
  }
  return one(std::move(result));
}

/// The extents of the parts: given, or equal ones of which the last may be smaller.
Result<Integers> part_extents(const Node& node, Inputs inputs, int64_t whole) {
  Integers extents = TENWATT_TRY(list_of(node, inputs, 1, "split"));
  if (maybe(inputs, 1) == nullptr && extents.empty()) {
    int64_t parts = std::ssize(node.outputs);
    if (parts < 1 || node.integer("num_outputs", parts) != parts) {
      return invalid("num_outputs is not the number of outputs");
    }
    int64_t each = (whole + parts - 1) / parts;
    for (int64_t left = whole; parts > 0; --parts, left -= extents.back()) {
      extents.push_back(std::min(each, left));
    }
    return extents;
  }
  int64_t left = whole;
  for (int64_t extent : extents) {
    if (extent < 0 || extent > left) return invalid("the parts don't fit the axis");
    left -= extent;
  }
  if (left != 0) return invalid("the parts don't fill the axis");
  return extents;
}

Outputs split(const Node& node, Inputs inputs, const ReferenceContext&) {
  const Tensor& data = *TENWATT_TRY(need(inputs, 0, "input"));
  size_t bytes = TENWATT_TRY(element_bytes(data));
  int64_t axis = TENWATT_TRY(axis_in(node.integer("axis", 0), data.rank()));
  Shape shape = data.shape();
  int64_t whole = shape[static_cast<size_t>(axis)];
  Integers extents = TENWATT_TRY(part_extents(node, inputs, whole));
  Part part{extent_product(shape, 0, axis), whole, 0, extent_product(shape, axis + 1, data.rank()),
            0};
  std::vector<Tensor> results;
  for (int64_t extent : extents) {
    part.extent = extent;
    shape[static_cast<size_t>(axis)] = extent;
    Tensor result = TENWATT_TRY(Tensor::create(data.format(), shape));
    copy_elements(part.walk_from_whole(), bytes, result.mutable_bytes().data(),
                  data.bytes().data() + part.offset(bytes));
    part.at += extent;
    results.push_back(std::move(result));
  }
  return results;
}

/// Indices first, first + step, ... of one axis.
struct Steps {
  int64_t first;
  int64_t step;
  int64_t count;
};

/// ONNX's rule: negative bounds count from the end, then they are clamped to the axis.
Result<Steps> steps_of(int64_t start, int64_t end, int64_t step, int64_t extent) {
  if (step == 0) return invalid("a step of 0");
  if (start < 0) start = start < -extent ? -1 : start + extent;
  if (end < 0) end = end < -extent ? -1 : end + extent;
  if (step > 0) {
    start = std::clamp<int64_t>(start, 0, extent);
    end = std::clamp<int64_t>(end, 0, extent);
    step = std::min(step, std::max<int64_t>(extent, 1));
    return Steps{start, step, std::max<int64_t>(0, (end - start + step - 1) / step)};
  }
  start = std::clamp<int64_t>(start, -1, extent - 1);
  end = std::clamp<int64_t>(end, -1, extent - 1);
  step = std::max(step, -std::max<int64_t>(extent, 1));
  return Steps{start, step, std::max<int64_t>(0, (start - end - step - 1) / -step)};
}

Outputs slice(const Node& node, Inputs inputs, const ReferenceContext&) {
  const Tensor& data = *TENWATT_TRY(need(inputs, 0, "data"));
  size_t bytes = TENWATT_TRY(element_bytes(data));
  Integers starts = TENWATT_TRY(list_of(node, inputs, 1, "starts"));
  Integers ends = TENWATT_TRY(list_of(node, inputs, 2, "ends"));
  Integers axes = TENWATT_TRY(list_of(node, inputs, 3, "axes"));
  Integers steps = TENWATT_TRY(list_of(node, inputs, 4, "steps"));
  if (axes.empty()) {
    for (int64_t axis = 0; axis < std::ssize(starts); ++axis) axes.push_back(axis);
  }
  if (steps.empty()) steps.assign(starts.size(), 1);
  if (ends.size() != starts.size() || axes.size() != starts.size() ||
      steps.size() != starts.size()) {
    return invalid("starts, ends, axes and steps differ in length");
  }
  axes = TENWATT_TRY(axes_in(axes, data.rank()));
  Shape shape = data.shape();
  Integers from = strides_of(shape);
  int64_t base = 0;
  for (size_t i = 0; i < axes.size(); ++i) {
    size_t axis = static_cast<size_t>(axes[i]);
    Steps along = TENWATT_TRY(steps_of(starts[i], ends[i], steps[i], shape[axis]));
    shape[axis] = along.count;
    base += along.first * from[axis];
    from[axis] *= along.step;
  }
  Tensor result = TENWATT_TRY(Tensor::create(data.format(), shape));
  if (result.count() == 0) return one(std::move(result));
  copy_elements({shape, {strides_of(shape), from}}, bytes, result.mutable_bytes().data(),
                data.bytes().data() + base * static_cast<int64_t>(bytes));
  return one(std::move(result));
}

Outputs tile(const Node&, Inputs inputs, const ReferenceContext&) {
  const Tensor& data = *TENWATT_TRY(need(inputs, 0, "input"));
  const Tensor& repeats_input = *TENWATT_TRY(need(inputs, 1, "repeats"));
  size_t bytes = TENWATT_TRY(element_bytes(data));
  Integers repeats = TENWATT_TRY(integers_of(repeats_input, "repeats"));
  if (std::ssize(repeats) != data.rank()) return invalid("repeats does not list every axis");
  TENWATT_TRY(checked_elements(repeats));
  Integers own = strides_of(data.shape());
  // Each axis becomes a pair: which repetition, and which element of it.
  Shape pairs;
  Shape shape;
  Integers from;
  for (size_t axis = 0; axis < repeats.size(); ++axis) {
    pairs.insert(pairs.end(), {repeats[axis], data.shape()[axis]});
    from.insert(from.end(), {0, own[axis]});
    TENWATT_TRY(checked_elements(pairs));
    shape.push_back(repeats[axis] * data.shape()[axis]);
  }
  Tensor result = TENWATT_TRY(Tensor::create(data.format(), shape));
  copy_elements({pairs, {strides_of(pairs), from}}, bytes, result.mutable_bytes().data(),
                data.bytes().data());
  return one(std::move(result));
}

}  // namespace

std::span<const Entry> move_kernels() {
  static constexpr Entry kEntries[] = {
      {"Concat", concat}, {"Slice", slice},         {"Split", split},
      {"Tile", tile},     {"Transpose", transpose},
  };
  return kEntries;
}

}  // namespace tenwatt::graph::reference
