// Rewrites: each replaces a part of a graph by an equal, simpler one. `optimise` runs the table
// until nothing changes; a rewrite is a row and a file.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "graph/ir/graph.h"

namespace tenwatt::graph {

/// A row of the table. `apply` finds types inferred and nodes in order, and leaves both to its
/// caller to restore; it returns how many places it changed.
struct Rewrite {
  std::string_view name;
  std::string_view what;  ///< one line, for reports
  Result<int64_t> (*apply)(Graph& graph);
};

/// How often each rewrite changed something.
using RewriteCounts = std::map<std::string, int64_t, std::less<>>;

/// Infers shapes and applies all rewrites until none finds anything; dead code goes too.
///
/// RandomNormalLike becomes graph inputs `noise_0`, `noise_1`, ... of standard normal numbers in
/// the order of the nodes. Inputs, outputs and the names of values that stay are kept.
Result<RewriteCounts> optimise(Graph& graph);

/// Applies one rewrite until it finds nothing more (for tests and reports).
Result<int64_t> apply_rewrite(Graph& graph, std::string_view name);

/// Makes an input a constant, for example the sampling rate of a voice activity model.
Status fix_input(Graph& graph, std::string_view input, Tensor value);

/// Gives a symbol its value for good, for example a batch extent. The symbol must not be one that
/// data decides.
Status fix_symbol(Graph& graph, std::string_view symbol, int64_t value);

// The table's functions, one file each.
Result<int64_t> integer_products(Graph& graph);
Result<int64_t> fold_constants(Graph& graph);
Result<int64_t> remove_identities(Graph& graph);
Result<int64_t> merge_equal_nodes(Graph& graph);
Result<int64_t> splice_conditionals(Graph& graph);
Result<int64_t> noise_as_inputs(Graph& graph);
Result<int64_t> detach_shape_operands(Graph& graph);
Result<int64_t> scatter_column_to_concat(Graph& graph);
Result<int64_t> dense_boolean_mask(Graph& graph);
Result<int64_t> fuse_layer_normalization(Graph& graph);
Result<int64_t> fuse_gelu(Graph& graph);

}  // namespace tenwatt::graph
