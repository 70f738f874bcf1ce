#include "devices/cpu/state_layout.h"

#include "numbers/format.h"

namespace tenwatt::cpu {
namespace {

using devices::kPageRows;

size_t element_bytes(KvFormat format) { return format == KvFormat::kF16 ? 2 : 4; }

/// Where element `c` of head `h` of row `row` lies in a page.
size_t element_index(PageOrder order, const RowExtents& extents, int64_t row, int64_t head,
                     int64_t c) {
  const int64_t base = head * extents.width * kPageRows;
  const int64_t inner = order == PageOrder::kKeys ? c * kPageRows + row : row * extents.width + c;
  return static_cast<size_t>(base + inner);
}

float load(const std::byte* page, KvFormat format, size_t i) {
  if (format == KvFormat::kF32) return reinterpret_cast<const float*>(page)[i];
  return f16_to_f32(reinterpret_cast<const uint16_t*>(page)[i]);
}

void store(std::byte* page, KvFormat format, size_t i, float value) {
  if (format == KvFormat::kF32) {
    reinterpret_cast<float*>(page)[i] = value;
  } else {
    reinterpret_cast<uint16_t*>(page)[i] = f32_to_f16(value);
  }
}

/// Calls `visit(index in a row-major [rows, heads, width], index in the page)` for every element.
template <class Visit>
void for_each_element(PageOrder order, const RowExtents& extents, int64_t rows, Visit&& visit) {
  size_t flat = 0;
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t head = 0; head < extents.heads; ++head) {
      for (int64_t c = 0; c < extents.width; ++c) {
        visit(flat++, element_index(order, extents, row, head, c));
      }
    }
  }
}

Status check_rows(const graph::State& state, const RowExtents& extents, int64_t rows,
                  size_t elements) {
  const bool fits = rows >= 0 && rows <= kPageRows &&
                    elements == static_cast<size_t>(rows * extents.heads * extents.width);
  if (fits) return {};
  return fail(ErrorCode::kInvalidArgument, "rows of the state " + state.name + " don't fit a page");
}

}  // namespace

Result<RowExtents> row_extents(const graph::State& state) {
  RowExtents extents;
  int64_t count = 1;
  for (size_t axis = 0; axis < state.row.size(); ++axis) {
    const auto extent = state.row[axis].constant();
    if (!extent || *extent < 1 || *extent > (int64_t{1} << 20)) {
      return fail(ErrorCode::kUnsupported,
                  "a row of the state " + state.name + " has no fixed size");
    }
    count *= *extent;
    if (axis + 1 == state.row.size()) extents.width = *extent;
  }
  extents.heads = count / extents.width;
  return extents;
}

Result<KvFormat> kv_format(Format format) {
  if (format == Format::kF16) return KvFormat::kF16;
  if (format == Format::kF32) return KvFormat::kF32;
  return fail(ErrorCode::kUnsupported,
              "attention keeps its states in f16 or f32, not in " + std::string(info(format).name));
}

size_t CpuStateLayout::page_bytes(const graph::State& state) const {
  const auto extents = row_extents(state);
  const auto format = kv_format(state.format);
  if (!extents || !format) return 0;
  return static_cast<size_t>(extents->heads * extents->width * kPageRows) * element_bytes(*format);
}

Status CpuStateLayout::to_canonical(const graph::State& state, const std::byte* page, int64_t rows,
                                    std::span<float> out) const {
  const PageOrder order = TENWATT_TRY(order_of(state.name));
  const RowExtents extents = TENWATT_TRY(row_extents(state));
  const KvFormat format = TENWATT_TRY(kv_format(state.format));
  TENWATT_TRY(check_rows(state, extents, rows, out.size()));
  for_each_element(order, extents, rows,
                   [&](size_t flat, size_t at) { out[flat] = load(page, format, at); });
  return {};
}

Status CpuStateLayout::from_canonical(const graph::State& state, std::span<const float> in,
                                      int64_t rows, std::byte* page) const {
  const PageOrder order = TENWATT_TRY(order_of(state.name));
  const RowExtents extents = TENWATT_TRY(row_extents(state));
  const KvFormat format = TENWATT_TRY(kv_format(state.format));
  TENWATT_TRY(check_rows(state, extents, rows, in.size()));
  for_each_element(order, extents, rows,
                   [&](size_t flat, size_t at) { store(page, format, at, in[flat]); });
  return {};
}

Status CpuStateLayout::learn(const graph::Graph& graph) {
  for (const graph::Node& node : graph.nodes()) {
    if (node.op != "Attention") continue;
    const std::string keys = node.text("k_state", "");
    const std::string values = node.text("v_state", "");
    if (!keys.empty()) TENWATT_TRY(set_order(keys, PageOrder::kKeys));
    if (!values.empty()) TENWATT_TRY(set_order(values, PageOrder::kValues));
  }
  return {};
}

Result<PageOrder> CpuStateLayout::order_of(const std::string& state) const {
  std::lock_guard lock(mutex_);
  const auto at = orders_.find(state);
  if (at != orders_.end()) return at->second;
  return fail(ErrorCode::kInvalidArgument, "no attention that is loaded uses the state " + state);
}

Status CpuStateLayout::set_order(const std::string& state, PageOrder order) {
  std::lock_guard lock(mutex_);
  const auto [at, added] = orders_.emplace(state, order);
  if (added || at->second == order) return {};
  return fail(ErrorCode::kUnsupported, "the state " + state + " is used for keys and for values",
              "give the states of keys and of values different names");
}

}  // namespace tenwatt::cpu
