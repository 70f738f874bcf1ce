// Operators that read or write by index: the Gather and Scatter family and NonZero.
#include <algorithm>

#include "graph/ops/schema.h"

namespace tenwatt::graph {
namespace {

/// Elements of a small known vector, picked by constant indices.
std::optional<Dims> picked(const Inference& in, size_t axis) {
  const auto data = in.known(0);
  const auto indices = in.known(1);
  const auto numbers = indices ? numbers_of(*indices) : std::nullopt;
  if (!data || !numbers || axis != 0 || in.rank(0) != 1) return std::nullopt;
  Dims out;
  for (int64_t index : *numbers) {
    if (index < 0) index += static_cast<int64_t>(data->size());
    if (index < 0 || index >= static_cast<int64_t>(data->size())) return std::nullopt;
    out.push_back((*data)[static_cast<size_t>(index)]);
  }
  return out;
}

Status check_indices(Inference& in) {
  const Format format = in.format(1);
  if (format != Format::kI64 && format != Format::kI32)
    return in.wrong("its indices must be i32 or i64; " + in.shapes());
  return {};
}

Status gather(Inference& in) {
  TENWATT_TRY(check_indices(in));
  const auto axis =
      static_cast<size_t>(TENWATT_TRY(in.axis(in.node().integer("axis", 0), in.rank(0))));
  if (in.known(0) && in.known(1) && axis == 0 && in.rank(0) == 1) {
    const auto numbers = numbers_of(*in.known(1));
    if (numbers && !picked(in, axis))
      return in.wrong("an index is outside its input; " + in.shapes());
  }
  const Dims& data = in.shape(0);
  Dims shape(data.begin(), data.begin() + static_cast<ptrdiff_t>(axis));
  shape.insert(shape.end(), in.shape(1).begin(), in.shape(1).end());
  shape.insert(shape.end(), data.begin() + static_cast<ptrdiff_t>(axis) + 1, data.end());
  in.set(0, in.format(0), std::move(shape), picked(in, axis));
  return {};
}

Status gather_elements(Inference& in) {
  TENWATT_TRY(check_indices(in));
  TENWATT_TRY(in.axis(in.node().integer("axis", 0), in.rank(0)));
  if (in.rank(0) != in.rank(1))
    return in.wrong("data and indices must have as many axes; " + in.shapes());
  in.set(0, in.format(0), in.shape(1));
  return {};
}

/// The number of index columns of GatherND and ScatterND: the last extent of the indices.
Result<size_t> index_columns(Inference& in, int64_t batch_axes) {
  if (in.rank(1) < 1 || in.rank(0) < 1) return in.wrong("it needs at least one axis");
  const auto columns = in.shape(1).back().constant();
  if (!columns || *columns < 1 || *columns > in.rank(0) - batch_axes || batch_axes < 0 ||
      batch_axes >= in.rank(1))
    return in.wrong("the last extent of its indices must name axes of the data; " + in.shapes());
  return static_cast<size_t>(*columns);
}

Status gather_nd(Inference& in) {
  TENWATT_TRY(check_indices(in));
  const int64_t batch = in.node().integer("batch_dims", 0);
  const size_t columns = TENWATT_TRY(index_columns(in, batch));
  for (size_t i = 0; i < static_cast<size_t>(batch); ++i)
    TENWATT_TRY(in.same(in.shape(0)[i], in.shape(1)[i], "batch axes of data and indices"));
  Dims shape(in.shape(1).begin(), in.shape(1).end() - 1);
  const auto rest = static_cast<ptrdiff_t>(columns) + batch;
  shape.insert(shape.end(), in.shape(0).begin() + rest, in.shape(0).end());
  in.set(0, in.format(0), std::move(shape));
  return {};
}

Status scatter_nd(Inference& in) {
  TENWATT_TRY(check_indices(in));
  const size_t columns = TENWATT_TRY(index_columns(in, 0));
  Dims wanted(in.shape(1).begin(), in.shape(1).end() - 1);
  wanted.insert(wanted.end(), in.shape(0).begin() + static_cast<ptrdiff_t>(columns),
                in.shape(0).end());
  if (wanted.size() != in.shape(2).size())
    return in.wrong("its updates have the wrong number of axes; " + in.shapes());
  for (size_t i = 0; i < wanted.size(); ++i)
    TENWATT_TRY(in.same(wanted[i], in.shape(2)[i], "extents of the updates and the indices"));
  in.set_like(0, 0);
  return {};
}

Status non_zero(Inference& in) {
  const int64_t most = in.range(in.count(in.shape(0))).max;
  // A scalar counts as a vector of one element.
  const int64_t rank = std::max<int64_t>(in.rank(0), 1);
  in.set(0, Format::kI64, {Dim(rank), in.symbol_extent(0, 1, most)});
  return {};
}

constexpr Schema kRows[] = {
    {"Gather", 2, 2, 1, gather},        {"GatherElements", 2, 2, 1, gather_elements},
    {"GatherND", 2, 2, 1, gather_nd},   {"NonZero", 1, 1, 1, non_zero},
    {"ScatterND", 3, 3, 1, scatter_nd},
};

}  // namespace

std::span<const Schema> indexing_schemas() { return kRows; }

}  // namespace tenwatt::graph
