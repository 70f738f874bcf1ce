// Checked access to inputs and attributes, and the arithmetic of index spaces.
#include "graph/reference/kernel.h"

#include <cstring>

#include "numbers/onnx_types.h"

namespace tenwatt::graph::reference {

std::unexpected<Error> invalid(std::string message) {
  return fail(ErrorCode::kInvalidArgument, std::move(message));
}

std::unexpected<Error> wrong_format(std::string_view name, Format format) {
  return fail(ErrorCode::kUnsupported,
              std::string(name) + " can't be " + std::string(info(format).name));
}

const Tensor* maybe(Inputs inputs, size_t index) {
  if (index >= inputs.size() || !inputs[index]) return nullptr;
  return &*inputs[index];
}

Result<const Tensor*> need(Inputs inputs, size_t index, std::string_view name) {
  const Tensor* tensor = maybe(inputs, index);
  if (tensor == nullptr) return invalid("input '" + std::string(name) + "' is missing");
  return tensor;
}

Result<const Tensor*> need_format(Inputs inputs, size_t index, std::string_view name,
                                  Format format) {
  const Tensor* tensor = TENWATT_TRY(need(inputs, index, name));
  if (tensor->format() != format) return wrong_format(name, tensor->format());
  return tensor;
}

Result<Integers> integers_of(const Tensor& tensor, std::string_view name) {
  return with_integer(tensor.format(), name, [&]<class T>() -> Result<Integers> {
    std::span<const T> values = tensor.values<T>();
    return Integers(values.begin(), values.end());
  });
}

Result<std::vector<double>> doubles_of(const Tensor& tensor, std::string_view name) {
  return with_number(tensor.format(), name, [&]<class T>() -> Result<std::vector<double>> {
    std::span<const T> values = tensor.values<T>();
    return std::vector<double>(values.begin(), values.end());
  });
}

Result<int64_t> integer_of(const Tensor& tensor, std::string_view name) {
  Integers values = TENWATT_TRY(integers_of(tensor, name));
  if (values.size() != 1) {
    return invalid(std::string(name) + " needs one element, has shape " +
                   to_string(tensor.shape()));
  }
  return values.front();
}

Result<Integers> list_of(const Node& node, Inputs inputs, size_t index,
                         std::string_view attribute) {
  const Tensor* tensor = maybe(inputs, index);
  if (tensor != nullptr) return integers_of(*tensor, attribute);
  return node.integers(attribute);
}

Result<int64_t> axis_in(int64_t axis, int64_t rank) {
  int64_t from_start = axis < 0 ? axis + rank : axis;
  if (from_start < 0 || from_start >= rank) {
    return invalid("axis " + std::to_string(axis) + " is not in a tensor of rank " +
                   std::to_string(rank));
  }
  return from_start;
}

Result<Integers> axes_in(const Integers& axes, int64_t rank) {
  Integers checked;
  for (int64_t axis : axes) {
    int64_t from_start = TENWATT_TRY(axis_in(axis, rank));
    if (std::ranges::find(checked, from_start) != checked.end()) {
      return invalid("axis " + std::to_string(axis) + " occurs twice");
    }
    checked.push_back(from_start);
  }
  return checked;
}

Result<Format> format_attribute(const Node& node, std::string_view key, Format fallback) {
  const Attribute* attribute = node.attribute(key);
  if (attribute == nullptr) return fallback;
  if (const auto* number = std::get_if<int64_t>(attribute)) return format_of_onnx(*number);
  if (const auto* name = std::get_if<std::string>(attribute)) {
    if (std::optional<Format> format = format_by_name(*name)) return *format;
  }
  return invalid("attribute '" + std::string(key) + "' names no number format");
}

Integers strides_of(std::span<const int64_t> shape) {
  Integers strides(shape.size(), 1);
  for (size_t axis = shape.size(); axis > 1; --axis) {
    strides[axis - 2] = strides[axis - 1] * shape[axis - 1];
  }
  return strides;
}

Integers broadcast_strides(std::span<const int64_t> from, std::span<const int64_t> to) {
  Integers own = strides_of(from);
  Integers strides(to.size(), 0);
  size_t lead = to.size() - from.size();
  for (size_t axis = 0; axis < from.size(); ++axis) {
    if (from[axis] != 1) strides[lead + axis] = own[axis];
  }
  return strides;
}

Result<Shape> broadcast(std::span<const int64_t> a, std::span<const int64_t> b) {
  if (a.size() < b.size()) std::swap(a, b);
  Shape shape(a.begin(), a.end());
  size_t lead = a.size() - b.size();
  for (size_t axis = 0; axis < b.size(); ++axis) {
    int64_t& extent = shape[lead + axis];
    if (b[axis] == 1 || b[axis] == extent) continue;
    if (extent != 1) {
      return invalid("shapes " + to_string(a) + " and " + to_string(b) + " don't broadcast");
    }
    extent = b[axis];
  }
  return shape;
}

int64_t extent_product(std::span<const int64_t> shape, int64_t begin, int64_t end) {
  return elements(shape.subspan(static_cast<size_t>(begin), static_cast<size_t>(end - begin)));
}

Result<size_t> element_bytes(const Tensor& tensor) {
  if (is_block(tensor.format())) return wrong_format("a tensor that is moved", tensor.format());
  return info(tensor.format()).bytes;
}

namespace {

template <class Word>
void copy_words(const Walk<2>& space, std::byte* to_bytes, const std::byte* from_bytes) {
  Word* to = reinterpret_cast<Word*>(to_bytes);
  const Word* from = reinterpret_cast<const Word*>(from_bytes);
  walk_rows(space, [&](const auto& offsets, const auto& steps, int64_t count) {
    Word* target = to + offsets[0];
    const Word* source = from + offsets[1];
    if (steps[0] == 1 && steps[1] == 1) {
      std::memcpy(target, source, static_cast<size_t>(count) * sizeof(Word));
      return;
    }
    for (int64_t i = 0; i < count; ++i) target[i * steps[0]] = source[i * steps[1]];
  });
}

}  // namespace

void copy_elements(const Walk<2>& space, size_t bytes, std::byte* to, const std::byte* from) {
  switch (bytes) {
    case 1:
      return copy_words<uint8_t>(space, to, from);
    case 2:
      return copy_words<uint16_t>(space, to, from);
    case 4:
      return copy_words<uint32_t>(space, to, from);
    default:
      return copy_words<uint64_t>(space, to, from);
  }
}

}  // namespace tenwatt::graph::reference
