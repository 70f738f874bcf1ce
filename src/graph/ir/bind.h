// From symbols to numbers: concrete shapes bind a graph's symbols, and bindings give concrete
// shapes.
#pragma once

#include <span>

#include "base/result.h"
#include "graph/ir/graph.h"

namespace tenwatt::graph {

/// Binds the symbols of a value's type from a concrete shape. An extent that is affine in one
/// unbound symbol decides it; every other extent must agree. Errors name the value, what it wants
/// and what came, or the bound that is exceeded.
Status bind_shape(const Graph& graph, ValueId id, std::span<const int64_t> shape,
                  Bindings& bindings);

/// Binds one symbol to a number, which must agree with its bounds and an earlier binding.
Status bind_symbol(const Graph& graph, SymbolId id, int64_t number, Bindings& bindings);

/// The concrete extents under bindings that cover every symbol they mention.
Result<Shape> bound_shape(const Dims& dims, const Bindings& bindings);

/// The extents with every unbound symbol at its upper bound.
Result<Shape> largest_shape(const Graph& graph, const Dims& dims, const Bindings& bindings);

/// Element `index` of a tensor of integers (or of whole numbers in f32), to bind a symbol to.
/// Errors name another format, an index past the end, or a number that is none.
Result<int64_t> dimension_element(Format format, std::span<const std::byte> bytes, int64_t index);

/// Replaces a symbol in every type, known content, assumption and state of the graph.
void substitute(Graph& graph, SymbolId symbol, const Dim& replacement);

}  // namespace tenwatt::graph
