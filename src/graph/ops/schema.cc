// Gathers the rows of all operators.
#include "graph/ops/schema.h"

#include <algorithm>
#include <vector>

namespace tenwatt::graph {
namespace {

const std::vector<const Schema*>& table() {
  static const std::vector<const Schema*> rows = [] {
    std::vector<const Schema*> all;
    for (const auto list :
         {control_schemas(), elementwise_schemas(), indexing_schemas(), layout_schemas(),
          linear_schemas(), movement_schemas(), pooling_schemas(), quantised_schemas(),
          reduce_schemas(), sequence_schemas()})
      for (const Schema& row : list) all.push_back(&row);
    std::ranges::sort(all, {}, [](const Schema* row) { return row->op; });
    return all;
  }();
  return rows;
}

}  // namespace

const Schema* find_schema(std::string_view op) {
  const auto& rows = table();
  const auto found =
      std::ranges::lower_bound(rows, op, {}, [](const Schema* row) { return row->op; });
  return found != rows.end() && (*found)->op == op ? *found : nullptr;
}

bool is_own_operator(std::string_view op) {
  const auto own = sequence_schemas();
  return op == "Silu" || std::ranges::find(own, op, &Schema::op) != own.end();
}

std::span<const Schema* const> all_schemas() { return table(); }

}  // namespace tenwatt::graph
