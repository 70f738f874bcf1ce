#include "graph/ir/bind.h"

#include <cmath>
#include <cstring>

namespace tenwatt::graph {
namespace {

std::unexpected<Error> mismatch(const Graph& graph, ValueId id, std::span<const int64_t> shape) {
  return fail(ErrorCode::kInvalidArgument,
              "value " + graph.describe(id) + " got the shape " + tenwatt::to_string(shape));
}

template <class T>
T load(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}

/// The only symbol of `dim` that has no number yet, if there is exactly one.
std::optional<SymbolId> one_unbound(const Dim& dim, const Bindings& bindings) {
  std::optional<SymbolId> unbound;
  for (SymbolId symbol : dim.symbols()) {
    if (bindings[static_cast<size_t>(symbol)]) continue;
    if (unbound) return std::nullopt;
    unbound = symbol;
  }
  return unbound;
}

}  // namespace

Status bind_symbol(const Graph& graph, SymbolId id, int64_t number, Bindings& bindings) {
  bindings.resize(graph.symbols().size());
  const Symbol& symbol = graph.symbol(id);
  auto& slot = bindings[static_cast<size_t>(id)];
  if (slot && *slot != number) {
    return fail(ErrorCode::kInvalidArgument, "dimension " + symbol.name + " is " +
                                                 std::to_string(*slot) + " and " +
                                                 std::to_string(number) + " at once");
  }
  if (number < symbol.bounds.min || number > symbol.bounds.max) {
    return fail(ErrorCode::kOutOfRange,
                "dimension " + symbol.name + " is " + std::to_string(number) + ", outside " +
                    std::to_string(symbol.bounds.min) + ".." + std::to_string(symbol.bounds.max));
  }
  slot = number;
  return {};
}

Status bind_shape(const Graph& graph, ValueId id, std::span<const int64_t> shape,
                  Bindings& bindings) {
  bindings.resize(graph.symbols().size());
  const Dims& dims = graph.value(id).type.shape;
  if (dims.size() != shape.size()) return mismatch(graph, id, shape);
  for (size_t axis = 0; axis < dims.size(); ++axis) {
    if (const auto unbound = one_unbound(dims[axis], bindings)) {
      const auto affine = dims[axis].affine_in(*unbound);
      if (!affine || affine->first == 0) continue;
      const int64_t rest = shape[axis] - affine->second;
      if (rest % affine->first != 0) return mismatch(graph, id, shape);
      auto bound = bind_symbol(graph, *unbound, rest / affine->first, bindings);
      if (!bound) return fail_in("value " + graph.value(id).name, bound.error());
      continue;
    }
    const auto extent = dims[axis].evaluate(bindings);
    if (extent && *extent != shape[axis]) return mismatch(graph, id, shape);
  }
  return {};
}

Result<Shape> bound_shape(const Dims& dims, const Bindings& bindings) {
  Shape shape;
  shape.reserve(dims.size());
  for (const Dim& dim : dims) shape.push_back(TENWATT_TRY(dim.evaluate(bindings)));
  return shape;
}

Result<Shape> largest_shape(const Graph& graph, const Dims& dims, const Bindings& bindings) {
  Bindings largest = bindings;
  largest.resize(graph.symbols().size());
  for (size_t i = 0; i < largest.size(); ++i) {
    if (!largest[i]) largest[i] = graph.symbols()[i].bounds.max;
  }
  return bound_shape(dims, largest);
}

Result<int64_t> dimension_element(Format format, std::span<const std::byte> bytes, int64_t index) {
  const bool known = format == Format::kI64 || format == Format::kI32 || format == Format::kF32;
  if (!known) {
    return fail(ErrorCode::kUnsupported,
                "a dimension is read from a tensor of " + std::string(info(format).name));
  }
  const size_t size = format == Format::kI64 ? sizeof(int64_t) : sizeof(int32_t);
  if (index < 0 || static_cast<size_t>(index) >= bytes.size() / size) {
    return fail(ErrorCode::kInternal, "a dimension is read past the end of its tensor");
  }
  const std::byte* at = bytes.data() + static_cast<size_t>(index) * size;
  if (format == Format::kI64) return load<int64_t>(at);
  if (format == Format::kI32) return load<int32_t>(at);
  const float number = load<float>(at);
  // Beyond 2^53 and for NaN the conversion would be undefined; no dimension is that large.
  if (!(std::abs(number) < 0x1p53f)) {
    return fail(ErrorCode::kOutOfRange, "a dimension is computed as " + std::to_string(number));
  }
  return static_cast<int64_t>(number);
}

void substitute(Graph& graph, SymbolId symbol, const Dim& replacement) {
  const auto replace = [&](Dims& dims) {
    for (Dim& dim : dims) dim = dim.substituted(symbol, replacement);
  };
  for (size_t i = 0; i < graph.values().size(); ++i) {
    Value& value = graph.value(static_cast<ValueId>(i));
    replace(value.type.shape);
    if (value.known) replace(*value.known);
  }
  for (Assumption& assumption : graph.assumptions) {
    assumption.a = assumption.a.substituted(symbol, replacement);
    assumption.b = assumption.b.substituted(symbol, replacement);
  }
  for (State& state : graph.states) {
    replace(state.row);
    state.rows = state.rows.substituted(symbol, replacement);
  }
}

}  // namespace tenwatt::graph
