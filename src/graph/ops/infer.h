// Shapes, formats and known contents of every value, inferred symbolically from the inputs' types.
// Every operator is one row of the schema table (schema.h); an operator without a row is unknown
// to the house.
#pragma once

#include "base/result.h"
#include "graph/ir/graph.h"

namespace tenwatt::graph {

/// Sets the type (and `known`, where decidable) of the node's outputs from its inputs, which must
/// have theirs. May add symbols for extents that depend on data. An error is a sentence with the
/// node, its operator and the shapes that don't fit.
Status infer_node(Graph& graph, NodeId node);

/// infer_node for every node in order; the graph must be normalised. Running it again after a
/// rewrite refines types and keeps the symbols that data-dependent extents already have.
Status infer_shapes(Graph& graph);

}  // namespace tenwatt::graph
