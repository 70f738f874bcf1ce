// ScatterND that writes one column of the last axis in every row, which is how exporters spell
// `x[..., c] = updates`: its indices are the grid of all rows beside a constant c. The same is the
// columns before c, the updates and the columns after c, joined.
#include <algorithm>

#include "graph/ir/builder.h"
#include "graph/ops/inference.h"
#include "graph/rewrites/optimise.h"

namespace tenwatt::graph {
namespace {

const Node* producer(const Graph& graph, ValueId id) {
  if (id == kNoValue || graph.value(id).producer == kNoNode) return nullptr;
  return &graph.node(graph.value(id).producer);
}

std::optional<int64_t> single_number(const Graph& graph, ValueId id) {
  const Value& value = graph.value(id);
  const auto known = value.constant ? known_of(*value.constant) : value.known;
  if (!known || known->empty()) return std::nullopt;
  for (const Dim& dim : *known)
    if (dim != (*known)[0]) return std::nullopt;
  return (*known)[0].constant();
}

bool changes_shape_only(const Node& node) {
  return node.op == "Reshape" || node.op == "Unsqueeze" || node.op == "Squeeze" ||
         node.op == "Expand";
}

bool is_one(const Dim& dim) { return dim == Dim(1); }

/// 0, 1, 2, ... as a vector.
bool counts_from_zero(const Graph& graph, ValueId id) {
  const Value& value = graph.value(id);
  if (value.type.shape.size() != 1) return false;
  const Node* node = producer(graph, id);
  if (node && node->op == "Range") {
    return single_number(graph, node->inputs[0]) == 0 && single_number(graph, node->inputs[2]) == 1;
  }
  const auto known = value.constant ? known_of(*value.constant) : value.known;
  if (!known) return false;
  for (size_t i = 0; i < known->size(); ++i)
    if ((*known)[i] != Dim(static_cast<int64_t>(i))) return false;
  return true;
}

/// Whether the value at `id`, seen as the index tensor of axis `axis` of a grid `rows`, counts that
/// axis: value[i_0, ..., i_n] = i_axis. It does if it is a Range from 0 by 1 over that extent which
/// was only reshaped to lie along that axis and repeated along others.
bool counts_axis(const Graph& graph, ValueId id, const Dims& rows, size_t axis) {
  while (true) {
    const Dims& shape = graph.value(id).type.shape;
    // Along an extent of 1 every index is 0.
    if (is_one(rows[axis]) && single_number(graph, id) == 0) return true;
    if (counts_from_zero(graph, id)) return shape[0] == rows[axis];
    const Node* node = producer(graph, id);
    if (!node || !changes_shape_only(*node)) return false;
    const Dims& before = graph.value(node->inputs[0]).type.shape;
    const auto wide = [](const Dims& dims) {
      return std::ranges::count_if(dims, [](const Dim& dim) { return !is_one(dim); });
    };
    if (node->op == "Expand") {
      // Aligned at the right: the counted axis must be the only one that is not repeated.
      if (before.size() > rows.size() || shape.size() > rows.size()) return false;
      const size_t lead = rows.size() - before.size();
      for (size_t i = 0; i < before.size(); ++i)
        if (!is_one(before[i]) && (lead + i != axis || before[i] != rows[axis])) return false;
      if (!is_one(rows[axis]) && (axis < lead || is_one(before[axis - lead]))) return false;
      // What lies before has one wide axis at most, so only its place among ones matters.
      id = node->inputs[0];
      continue;
    }
    // A Reshape moves a vector among ones; of anything wider the order would have to be followed,
    // except for ones at the end.
    if (wide(shape) > 1 || wide(before) > 1) {
      const size_t common = std::min(shape.size(), before.size());
      const Dims& longer = shape.size() > before.size() ? shape : before;
      if (!std::equal(shape.begin(), shape.begin() + static_cast<ptrdiff_t>(common),
                      before.begin()) ||
          !std::all_of(longer.begin() + static_cast<ptrdiff_t>(common), longer.end(), is_one))
        return false;
    }
    id = node->inputs[0];
  }
}

/// Whether `shape` lays the counted axis where the grid `rows` has it.
bool lies_along(const Dims& shape, const Dims& rows) {
  return shape.size() == rows.size() + 1 && is_one(shape.back()) &&
         std::equal(rows.begin(), rows.end(), shape.begin());
}

/// Every element of the value is the same constant.
std::optional<int64_t> repeated_constant(const Graph& graph, ValueId id) {
  for (const Node* node = producer(graph, id); node; node = producer(graph, id)) {
    if (!changes_shape_only(*node)) break;
    id = node->inputs[0];
  }
  return single_number(graph, id);
}

/// The column that a ScatterND writes in every row, or nothing if it does something else.
std::optional<int64_t> written_column(const Graph& graph, const Node& node) {
  if (node.op != "ScatterND" || node.text("reduction", "none") != "none") return std::nullopt;
  const Node* join = producer(graph, node.inputs[1]);
  const Dims& data = graph.value(node.inputs[0]).type.shape;
  if (!join || join->op != "Concat" || join->inputs.size() != data.size() || data.size() < 2)
    return std::nullopt;
  const auto axis = join->integer("axis", 0);
  // Ones between the rows and the column index are allowed: [rows..., 1, 1].
  const Dims& indices = graph.value(node.inputs[1]).type.shape;
  if (axis != -1 && axis != static_cast<int64_t>(indices.size()) - 1) return std::nullopt;
  const Dims grid(data.begin(), data.end() - 1);
  Dims rows = grid;
  while (rows.size() + 1 < indices.size()) rows.push_back(Dim(1));
  for (size_t i = 0; i + 1 < join->inputs.size(); ++i) {
    const ValueId part = join->inputs[i];
    if (!lies_along(graph.value(part).type.shape, rows)) return std::nullopt;
    if (!counts_axis(graph, part, rows, i)) return std::nullopt;
  }
  const auto column = repeated_constant(graph, join->inputs.back());
  const auto columns = data.back().constant();
  if (!column || !columns || *column < -*columns || *column >= *columns) return std::nullopt;
  return *column < 0 ? *column + *columns : *column;
}

Status replace(Graph& graph, NodeId id, int64_t column) {
  const Node node = graph.node(id);
  const Dims data = graph.value(node.inputs[0]).type.shape;
  const int64_t columns = *data.back().constant();
  const auto axis = static_cast<int64_t>(data.size()) - 1;
  Builder builder(graph);
  Dims one_column = data;
  one_column.back() = Dim(1);
  std::vector<ValueId> parts;
  if (column > 0) {
    parts.push_back(
        builder.slice(node.name + ".before", node.inputs[0], axis, Dim(0), Dim(column)));
  }
  parts.push_back(builder.reshape(node.name + ".column", node.inputs[2], one_column));
  if (column + 1 < columns) {
    parts.push_back(
        builder.slice(node.name + ".after", node.inputs[0], axis, Dim(column + 1), Dim(columns)));
  }
  if (builder.failed()) return builder.finish();
  Node& joined = graph.node(id);
  joined.op = "Concat";
  joined.inputs = std::move(parts);
  joined.attributes = {{"axis", axis}};
  return {};
}

}  // namespace

Result<int64_t> scatter_column_to_concat(Graph& graph) {
  int64_t changed = 0;
  const size_t count = graph.nodes().size();
  for (size_t i = 0; i < count; ++i) {
    const auto id = static_cast<NodeId>(i);
    const auto column = written_column(graph, graph.node(id));
    if (!column) continue;
    TENWATT_TRY(replace(graph, id, *column));
    ++changed;
  }
  return changed;
}

}  // namespace tenwatt::graph
