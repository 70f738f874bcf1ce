// Operators that move elements by indices held in tensors. Indices count from the end where they
// are negative; one outside its axis is an error.
#include <cstring>

#include "graph/reference/kernel.h"

namespace tenwatt::graph::reference {
namespace {

/// Checked indices into an axis of `extent`, in [0, extent).
Result<Integers> indices_in(const Tensor& tensor, int64_t extent) {
  Integers indices = TENWATT_TRY(integers_of(tensor, "indices"));
  for (int64_t& index : indices) {
    if (index < -extent || index >= extent) {
      return fail(ErrorCode::kOutOfRange, "index " + std::to_string(index) +
                                              " is not in an axis of " + std::to_string(extent));
    }
    if (index < 0) index += extent;
  }
  return indices;
}

Outputs gather(const Node& node, Inputs inputs, const ReferenceContext&) {
  const Tensor& data = *TENWATT_TRY(need(inputs, 0, "data"));
  const Tensor& index_input = *TENWATT_TRY(need(inputs, 1, "indices"));
  size_t bytes = TENWATT_TRY(element_bytes(data));
  int64_t axis = TENWATT_TRY(axis_in(node.integer("axis", 0), data.rank()));
  int64_t extent = data.shape()[static_cast<size_t>(axis)];
  Integers indices = TENWATT_TRY(indices_in(index_input, extent));
  Shape shape(data.shape().begin(), data.shape().begin() + axis);
  shape.insert(shape.end(), index_input.shape().begin(), index_input.shape().end());
  shape.insert(shape.end(), data.shape().begin() + axis + 1, data.shape().end());
  Tensor result = TENWATT_TRY(Tensor::create(data.format(), std::move(shape)));
  int64_t outer = extent_product(data.shape(), 0, axis);
  size_t row = static_cast<size_t>(extent_product(data.shape(), axis + 1, data.rank())) * bytes;
  if (result.count() == 0) return one(std::move(result));
  std::byte* to = result.mutable_bytes().data();
  for (int64_t o = 0; o < outer; ++o) {
    const std::byte* from = data.bytes().data() + static_cast<size_t>(o * extent) * row;
    for (int64_t index : indices) {
      std::memcpy(to, from + static_cast<size_t>(index) * row, row);
      to += row;
    }
  }
  return one(std::move(result));
}

template <class Word>
void gather_words(const Walk<2>& space, const Tensor& data, int64_t stride, const Integers& indices,
                  Tensor& result) {
  const Word* from = data.values<Word>().data();
  Word* to = result.mutable_values<Word>().data();
  walk_rows(space, [&](const auto& offsets, const auto& steps, int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
      int64_t at = offsets[0] + i * steps[0];
      int64_t index = indices[static_cast<size_t>(at)];
      to[at] = from[offsets[1] + i * steps[1] + index * stride];
    }
  });
}

Outputs gather_elements(const Node& node, Inputs inputs, const ReferenceContext&) {
  const Tensor& data = *TENWATT_TRY(need(inputs, 0, "data"));
  const Tensor& index_input = *TENWATT_TRY(need(inputs, 1, "indices"));
  size_t bytes = TENWATT_TRY(element_bytes(data));
  size_t axis = static_cast<size_t>(TENWATT_TRY(axis_in(node.integer("axis", 0), data.rank())));
  const Shape& shape = index_input.shape();
  if (shape.size() != data.shape().size()) return invalid("indices and data differ in rank");
  for (size_t i = 0; i < shape.size(); ++i) {
    if (i != axis && shape[i] > data.shape()[i]) return invalid("indices exceed the data");
  }
  Integers indices = TENWATT_TRY(indices_in(index_input, data.shape()[axis]));
  Integers from = strides_of(data.shape());
  int64_t stride = from[axis];
  from[axis] = 0;
  Tensor result = TENWATT_TRY(Tensor::create(data.format(), shape));
  Walk<2> space{shape, {strides_of(shape), from}};
  switch (bytes) {
    case 1:
      gather_words<uint8_t>(space, data, stride, indices, result);
      break;
    case 2:
      gather_words<uint16_t>(space, data, stride, indices, result);
      break;
    case 4:
      gather_words<uint32_t>(space, data, stride, indices, result);
      break;
    default:
      gather_words<uint64_t>(space, data, stride, indices, result);
      break;
  }
  return one(std::move(result));
}

/// Tuples of indices, as offsets in rows of `row` elements each.
struct Tuples {
  Integers offsets;  ///< in elements, into one batch
  int64_t row = 1;   ///< elements that a tuple selects
};

/// The last axis of `indices` indexes the leading axes of `shape`.
Result<Tuples> tuples_of(const Tensor& indices, std::span<const int64_t> shape) {
  if (indices.rank() < 1) return invalid("indices must have an axis");
  int64_t depth = indices.shape().back();
  if (depth < 1 || depth > std::ssize(shape)) return invalid("index tuples exceed the data's rank");
  Integers flat = TENWATT_TRY(integers_of(indices, "indices"));
  Integers strides = strides_of(shape);
  Tuples tuples;
  tuples.row = extent_product(shape, depth, std::ssize(shape));
  int64_t count = extent_product(indices.shape(), 0, indices.rank() - 1);
  for (int64_t t = 0; t < count; ++t) {
    int64_t offset = 0;
    for (int64_t k = 0; k < depth; ++k) {
      int64_t index = flat[static_cast<size_t>(t * depth + k)];
      int64_t extent = shape[static_cast<size_t>(k)];
      if (index < -extent || index >= extent) {
        return fail(ErrorCode::kOutOfRange, "index " + std::to_string(index) +
                                                " is not in an axis of " + std::to_string(extent));
      }
      offset += (index < 0 ? index + extent : index) * strides[static_cast<size_t>(k)];
    }
    tuples.offsets.push_back(offset);
  }
  return tuples;
}

Outputs gather_nd(const Node& node, Inputs inputs, const ReferenceContext&) {
  const Tensor& data = *TENWATT_TRY(need(inputs, 0, "data"));
  const Tensor& indices = *TENWATT_TRY(need(inputs, 1, "indices"));
  size_t bytes = TENWATT_TRY(element_bytes(data));
  int64_t batch_dims = node.integer("batch_dims", 0);
  if (batch_dims < 0 || batch_dims >= std::min(data.rank(), indices.rank()) ||
      !std::equal(data.shape().begin(), data.shape().begin() + batch_dims,
                  indices.shape().begin())) {
    return invalid("batch axes of data and indices differ");
  }
  std::span<const int64_t> inner = std::span(data.shape()).subspan(static_cast<size_t>(batch_dims));
  Tuples tuples = TENWATT_TRY(tuples_of(indices, inner));
  Shape shape(indices.shape().begin(), indices.shape().end() - 1);
  shape.insert(shape.end(), inner.begin() + indices.shape().back(), inner.end());
  Tensor result = TENWATT_TRY(Tensor::create(data.format(), std::move(shape)));
  size_t row = static_cast<size_t>(tuples.row) * bytes;
  int64_t batches = extent_product(data.shape(), 0, batch_dims);
  if (result.count() == 0) return one(std::move(result));
  size_t per_batch = tuples.offsets.size() / static_cast<size_t>(batches);
  size_t batch_bytes = static_cast<size_t>(elements(inner)) * bytes;
  for (size_t t = 0; t < tuples.offsets.size(); ++t) {
    const std::byte* batch = data.bytes().data() + t / per_batch * batch_bytes;
    std::memcpy(result.mutable_bytes().data() + t * row,
                batch + static_cast<size_t>(tuples.offsets[t]) * bytes, row);
  }
  return one(std::move(result));
}

enum class Update : uint8_t { kNone, kAdd, kMul, kMax, kMin };

Result<Update> update_of(const std::string& name) {
  static constexpr std::pair<std::string_view, Update> kNames[] = {{"none", Update::kNone},
                                                                   {"add", Update::kAdd},
                                                                   {"mul", Update::kMul},
                                                                   {"max", Update::kMax},
                                                                   {"min", Update::kMin}};
  for (auto [key, update] : kNames) {
    if (key == name) return update;
  }
  return invalid("no reduction '" + name + "'");
}

template <class T>
T updated(T old, T update, Update how) {
  using W = Work<T>;
  W a = old;
  W b = update;
  switch (how) {
    case Update::kAdd:
      return T(static_cast<W>(Sum<T>(a) + Sum<T>(b)));
    case Update::kMul:
      return T(static_cast<W>(Sum<T>(a) * Sum<T>(b)));
    case Update::kMax:
      return T(std::max(a, b));
    case Update::kMin:
      return T(std::min(a, b));
    default:
      return update;
  }
}

Outputs scatter_nd(const Node& node, Inputs inputs, const ReferenceContext&) {
  const Tensor& data = *TENWATT_TRY(need(inputs, 0, "data"));
  const Tensor& indices = *TENWATT_TRY(need(inputs, 1, "indices"));
  const Tensor& updates = *TENWATT_TRY(need_format(inputs, 2, "updates", data.format()));
  TENWATT_TRY(element_bytes(data));
  Update how = TENWATT_TRY(update_of(node.text("reduction", "none")));
  Tuples tuples = TENWATT_TRY(tuples_of(indices, data.shape()));
  Shape expected(indices.shape().begin(), indices.shape().end() - 1);
  expected.insert(expected.end(), data.shape().begin() + indices.shape().back(),
                  data.shape().end());
  if (updates.shape() != expected) {
    return invalid("updates are " + to_string(updates.shape()) + ", not " + to_string(expected));
  }
  Tensor result = TENWATT_TRY(Tensor::create(data.format(), data.shape()));
  std::ranges::copy(data.bytes(), result.mutable_bytes().begin());
  TENWATT_TRY(with_scalar(data.format(), "data", [&]<class T>() -> Status {
    std::span<T> to = result.mutable_values<T>();
    const T* from = updates.values<T>().data();
    for (int64_t offset : tuples.offsets) {
      for (int64_t i = 0; i < tuples.row; ++i) {
        T& element = to[static_cast<size_t>(offset + i)];
        element = updated(element, *from++, how);
      }
    }
    return {};
  }));
  return one(std::move(result));
}

/// Indices of the elements that are not 0, one row per axis, in row-major order.
Outputs non_zero(const Node&, Inputs inputs, const ReferenceContext&) {
  const Tensor& x = *TENWATT_TRY(need(inputs, 0, "X"));
  Integers found;
  TENWATT_TRY(with_scalar(x.format(), "X", [&]<class T>() -> Status {
    std::span<const T> values = x.values<T>();
    for (size_t i = 0; i < values.size(); ++i) {
      if (Work<T>(values[i]) != 0) found.push_back(static_cast<int64_t>(i));
    }
    return {};
  }));
  // A scalar counts as a vector of one element.
  const Shape shape = x.rank() == 0 ? Shape{1} : x.shape();
  Tensor result = TENWATT_TRY(Tensor::create(Format::kI64, {std::ssize(shape), std::ssize(found)}));
  Integers strides = strides_of(shape);
  int64_t* to = result.mutable_values<int64_t>().data();
  for (size_t axis = 0; axis < strides.size(); ++axis) {
    for (int64_t at : found) *to++ = at / strides[axis] % shape[axis];
  }
  return one(std::move(result));
}

}  // namespace

std::span<const Entry> index_kernels() {
  static constexpr Entry kEntries[] = {
      {"Gather", gather},    {"GatherElements", gather_elements}, {"GatherND", gather_nd},
      {"NonZero", non_zero}, {"ScatterND", scatter_nd},
  };
  return kEntries;
}

}  // namespace tenwatt::graph::reference
