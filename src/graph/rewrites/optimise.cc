// The table of rewrites and the loop that runs it.
#include "graph/rewrites/optimise.h"

#include <algorithm>

#include "graph/ir/bind.h"
#include "graph/ops/infer.h"

namespace tenwatt::graph {
namespace {

// Integer products come before the weights are decoded, dense masks after what makes their pattern
// plain.
constexpr Rewrite kTable[] = {
    {"integer-products", "multiplies the stored integers of quantised values", integer_products},
    {"fold-constants", "computes what depends on constants only", fold_constants},
    {"splice-conditionals", "puts the chosen branch in the place of an If", splice_conditionals},
    {"remove-identities", "drops nodes that change nothing", remove_identities},
    {"merge-equal-nodes", "computes equal expressions once", merge_equal_nodes},
    {"noise-as-inputs", "makes random numbers inputs", noise_as_inputs},
    {"detach-shape-operands", "reads extents from the plan instead of computing them",
     detach_shape_operands},
    {"scatter-column", "sets one column by joining columns", scatter_column_to_concat},
    {"dense-boolean-mask", "computes all elements and selects, instead of gathering by a mask",
     dense_boolean_mask},
    {"fuse-layer-normalization", "joins the steps of a layer normalisation",
     fuse_layer_normalization},
    {"fuse-gelu", "joins the steps of a GELU", fuse_gelu},
};

// Far above what nested conditionals of real files need.
constexpr int kMaxRounds = 64;

Status restore(Graph& graph) {
  graph.compact();
  TENWATT_TRY(graph.normalise());
  Status inferred = infer_shapes(graph);
  // What a chosen branch can't say about itself may be plain in its place.
  while (!inferred && TENWATT_TRY(splice_conditionals(graph)) > 0) {
    TENWATT_TRY(graph.normalise());
    inferred = infer_shapes(graph);
  }
  return inferred;
}

}  // namespace

Result<RewriteCounts> optimise(Graph& graph) {
  RewriteCounts counts;
  TENWATT_TRY(restore(graph));
  for (int round = 0; round < kMaxRounds; ++round) {
    int64_t changes = 0;
    for (const Rewrite& rewrite : kTable) {
      const int64_t changed = TENWATT_TRY(rewrite.apply(graph));
      if (changed == 0) continue;
      changes += changed;
      counts[std::string(rewrite.name)] += changed;
      TENWATT_TRY(restore(graph));
    }
    if (changes == 0) return counts;
  }
  return counts;
}

Result<int64_t> apply_rewrite(Graph& graph, std::string_view name) {
  const auto row = std::ranges::find(kTable, name, &Rewrite::name);
  if (row == std::end(kTable))
    return fail(ErrorCode::kNotFound, "there is no rewrite '" + std::string(name) + "'");
  TENWATT_TRY(restore(graph));
  int64_t total = 0;
  for (int round = 0; round < kMaxRounds; ++round) {
    const int64_t changed = TENWATT_TRY(row->apply(graph));
    if (changed == 0) break;
    total += changed;
    TENWATT_TRY(restore(graph));
  }
  return total;
}

Status fix_input(Graph& graph, std::string_view input, Tensor value) {
  const auto id = graph.find_value(input);
  if (!id || !graph.is_input(*id))
    return fail(ErrorCode::kNotFound, "there is no input '" + std::string(input) + "'");
  Value& fixed = graph.value(*id);
  if (fixed.type.format != value.format() || fixed.type.shape.size() != value.shape().size()) {
    return fail(ErrorCode::kInvalidArgument, "input " + graph.describe(*id) +
                                                 " can't be fixed to a tensor of shape " +
                                                 to_string(value.shape()));
  }
  for (size_t i = 0; i < value.shape().size(); ++i) {
    const auto extent = fixed.type.shape[i].constant();
    if (extent && *extent != value.shape()[i]) {
      return fail(ErrorCode::kInvalidArgument,
                  "input " + graph.describe(*id) + " has no shape " + to_string(value.shape()));
    }
  }
  fixed.type.shape.assign(value.shape().begin(), value.shape().end());
  fixed.constant = std::move(value);
  std::erase(graph.inputs, *id);
  return {};
}

Status fix_symbol(Graph& graph, std::string_view symbol, int64_t value) {
  const auto id = graph.find_symbol(symbol);
  if (!id) return fail(ErrorCode::kNotFound, "there is no symbol '" + std::string(symbol) + "'");
  Symbol& fixed = graph.symbol(*id);
  if (fixed.source || value < fixed.bounds.min || value > fixed.bounds.max) {
    return fail(ErrorCode::kOutOfRange,
                "symbol '" + fixed.name + "' can't be " + std::to_string(value));
  }
  fixed.bounds = {value, value};
  substitute(graph, *id, Dim(value));
  return {};
}

}  // namespace tenwatt::graph
