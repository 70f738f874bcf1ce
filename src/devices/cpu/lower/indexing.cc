// Operators that read or write at computed indices: GatherElements, GatherND, ScatterND. Indices
// are checked by member 0 when the step runs; a bad one ends the run, and nobody follows it.
#include <algorithm>
#include <cstring>

#include "devices/cpu/lower/strided.h"
#include "devices/cpu/lower/typed.h"

namespace tenwatt::cpu {
namespace {

using graph::ValueId;

/// Integer indices of either width.
struct Indices {
  ValueId id;
  Format format;

  int64_t at(const StepContext& context, int64_t i) const {
    return format == Format::kI32 ? context.at<const int32_t>(id)[i]
                                  : context.at<const int64_t>(id)[i];
  }
};

std::optional<Indices> indices_of(const LowerInput& input, size_t index) {
  const Format format = input.in_format(index);
  if (format != Format::kI32 && format != Format::kI64) return std::nullopt;
  return Indices{input.in(index), format};
}

/// An index counted from the end where it is negative; -1 where it is out of [0, extent).
int64_t wrapped(int64_t index, int64_t extent) {
  if (index < 0) index += extent;
  return index >= 0 && index < extent ? index : -1;
}

void fail_index(const StepContext& context, const std::string& op) {
  if (!context.is_first()) return;
  context.fail({ErrorCode::kOutOfRange, op + " asks for an index that is not there", {}});
}

// ---- GatherElements --------------------------------------------------------------------------

template <class T>
void gather_elements(const StepContext& context, const StridedLoop& loop, const Indices& indices,
                     ValueId data, ValueId out, int64_t extent, int64_t step) {
  const T* from = context.at<const T>(data);
  T* to = context.at<T>(out);
  if (context.is_first()) {
    for (int64_t i = 0; i < loop.elements(); ++i) {
      if (wrapped(indices.at(context, i), extent) < 0) return fail_index(context, "GatherElements");
    }
  }
  const auto share = context.share(loop.elements(), 64);
  loop.visit(share.begin, share.end, [&](const StridedLoop::Offsets& at, int64_t n) {
    for (int64_t i = 0; i < n; ++i) {
      const int64_t index = wrapped(indices.at(context, at[0] + i * loop.inner_stride(0)), extent);
      if (index < 0) continue;  // reported by member 0
      to[at[0] + i * loop.inner_stride(0)] = from[at[1] + i * loop.inner_stride(1) + index * step];
    }
  });
}

using GatherElements = void (*)(const StepContext&, const StridedLoop&, const Indices&, ValueId,
                                ValueId, int64_t, int64_t);

GatherElements gather_elements_of(Format format) {
  if (is_block(format)) return nullptr;
  switch (info(format).bytes) {
    case 1:
      return gather_elements<uint8_t>;
    case 2:
      return gather_elements<uint16_t>;
    case 4:
      return gather_elements<uint32_t>;
    default:
      return gather_elements<uint64_t>;
  }
}

Result<std::optional<Lowered>> lower_gather_elements(const LowerInput& input) {
  const Shape& data = input.in_shape(0);
  const Shape& out = input.out_shape();
  const auto axis = axis_of(input.node.integer("axis", 0), data.size());
  const auto indices = indices_of(input, 1);
  const GatherElements function = gather_elements_of(input.in_format(0));
  if (!axis || !indices || !function || out.size() != data.size()) return std::optional<Lowered>();
  for (size_t i = 0; i < data.size(); ++i) {
    if (i != *axis && out[i] > data[i]) return std::optional<Lowered>();
  }
  Shape from = contiguous_strides(data);
  const int64_t step = from[*axis];
  from[*axis] = 0;
  const Shape strides[] = {contiguous_strides(out), from};
  const auto loop = StridedLoop::make(out, strides);
  if (!loop) return std::optional<Lowered>();
  const ValueId source = input.in(0);
  const ValueId target = input.out();
  Step own;
  own.kernel = "gather_elements strided";
  own.kind = devices::KernelKind::kMovement;
  own.crew = crew_for(loop->elements());
  own.run = [=, loop = *loop, indices = *indices, extent = data[*axis]](StepContext& context) {
    function(context, loop, indices, source, target, extent, step);
  };
  Lowered lowered;
  lowered.reads = {source, indices->id};
  lowered.step = std::move(own);
  return lowered;
}

// ---- GatherND and ScatterND ------------------------------------------------------------------

/// Slices of a tensor at index tuples over its axes [batch, batch + tuple).
struct Slices {
  Indices indices;
  Shape data;
  size_t batch = 0;
  size_t tuple = 0;
  int64_t count = 0;      ///< tuples of all batches
  int64_t per_batch = 1;  ///< tuples of one
  int64_t elements = 0;   ///< of one slice

  /// The element where slice `i` begins, or -1 for an index that is not there.
  int64_t offset(const StepContext& context, int64_t i) const {
    int64_t at = i / per_batch;
    for (size_t axis = 0; axis < tuple; ++axis) {
      const int64_t extent = data[batch + axis];
      const int64_t index =
          wrapped(indices.at(context, i * static_cast<int64_t>(tuple) + static_cast<int64_t>(axis)),
                  extent);
      if (index < 0) return -1;
      at = at * extent + index;
    }
    return at * elements;
  }

  bool all_there(const StepContext& context) const {
    for (int64_t i = 0; i < count; ++i) {
      if (offset(context, i) < 0) return false;
    }
    return true;
  }
};

std::optional<Slices> slices_of(const LowerInput& input, size_t batch) {
  const auto indices = indices_of(input, 1);
  const Shape& data = input.in_shape(0);
  const Shape& shape = input.in_shape(1);
  if (!indices || shape.size() <= batch || data.size() <= batch || is_block(input.in_format(0))) {
    return std::nullopt;
  }
  Slices slices{*indices, data, batch, static_cast<size_t>(shape.back())};
  if (batch + slices.tuple > data.size()) return std::nullopt;
  slices.count = elements(std::span(shape).first(shape.size() - 1));
  slices.per_batch =
      std::max<int64_t>(1, elements(std::span(shape).subspan(batch, shape.size() - 1 - batch)));
  slices.elements = elements(std::span(data).subspan(batch + slices.tuple));
  return slices;
}

Result<std::optional<Lowered>> lower_gather_nd(const LowerInput& input) {
  const int64_t batch = input.node.integer("batch_dims", 0);
  const auto slices = batch < 0 ? std::nullopt : slices_of(input, static_cast<size_t>(batch));
  if (!slices) return std::optional<Lowered>();
  const ValueId data = input.in(0);
  const ValueId out = input.out();
  const int64_t bytes = info(input.in_format(0)).bytes * slices->elements;
  Step step;
  step.kernel = "gather_nd slices";
  step.kind = devices::KernelKind::kMovement;
  step.crew = crew_for(elements(input.out_shape()));
  step.run = [=, slices = *slices](StepContext& context) {
    if (context.is_first() && !slices.all_there(context)) fail_index(context, "GatherND");
    const auto share = context.share(slices.count);
    for (int64_t i = share.begin; i < share.end; ++i) {
      const int64_t at = slices.offset(context, i);
      if (at < 0 || slices.elements == 0) continue;  // reported by member 0
      std::memcpy(context.at<std::byte>(out) + i * bytes,
                  context.at<const std::byte>(data) + at / slices.elements * bytes,
                  static_cast<size_t>(bytes));
    }
  };
  Lowered lowered;
  lowered.reads = {data, slices->indices.id};
  lowered.step = std::move(step);
  return lowered;
}

struct ReductionRow {
  std::string_view name;
  std::optional<Binary> op;  ///< nullopt: the update takes the place
};
constexpr ReductionRow kReductions[] = {{"none", std::nullopt},
                                        {"add", Binary::kAdd},
                                        {"mul", Binary::kMul},
                                        {"max", Binary::kMax},
                                        {"min", Binary::kMin}};

/// What ScatterND does to a copy of its data.
struct ScatterStep {
  const KernelTable* kernels;
  Slices slices;
  std::optional<Binary> op;
  Element type;
  int64_t element_bytes;
  int64_t total;  ///< elements of the data
  ValueId data, updates, out;

  void run(const StepContext& context) const {
    const auto share = context.share(total * element_bytes, 4096);
    if (share.begin < share.end) {
      std::memcpy(context.at<std::byte>(out) + share.begin,
                  context.at<const std::byte>(data) + share.begin,
                  static_cast<size_t>(share.end - share.begin));
    }
    if (!context.barrier() || !context.is_first()) return;
    if (!slices.all_there(context)) return fail_index(context, "ScatterND");
    // Slices may meet, so one member takes them in their order.
    for (int64_t i = 0; i < slices.count && slices.elements > 0; ++i) {
      std::byte* to = context.at<std::byte>(out) + slices.offset(context, i) * element_bytes;
      const std::byte* from =
          context.at<const std::byte>(updates) + i * slices.elements * element_bytes;
      if (op) {
        kernels->binary_any(*op, type, {to, 1}, {from, 1}, to, slices.elements);
      } else {
        std::memcpy(to, from, static_cast<size_t>(slices.elements * element_bytes));
      }
    }
  }
};

Result<std::optional<Lowered>> lower_scatter_nd(const LowerInput& input) {
  const auto slices = slices_of(input, 0);
  const std::string reduction = input.node.text("reduction", "none");
  const auto* row = std::ranges::find(kReductions, reduction, &ReductionRow::name);
  if (!slices || row == std::end(kReductions)) return std::optional<Lowered>();
  const auto type = element_of(input.in_format(0));
  const bool computes = type && *type != Element::kBool;
  const bool updates = input.in_format(2) == input.in_format(0) &&
                       elements(input.in_shape(2)) == slices->count * slices->elements;
  if (!updates || (row->op && !computes)) return std::optional<Lowered>();
  const ScatterStep scatter{input.setup.kernels,
                            *slices,
                            row->op,
                            type.value_or(Element::kU8),
                            info(input.in_format(0)).bytes,
                            elements(input.in_shape(0)),
                            input.in(0),
                            input.in(2),
                            input.out()};
  Step step;
  step.kernel = row->op ? "scatter_nd " + reduction + " " + scatter.kernels->name
                        : std::string("scatter_nd slices");
  if (!row->op) step.kind = devices::KernelKind::kMovement;
  step.crew = crew_for(scatter.total);
  step.run = [scatter](StepContext& context) { scatter.run(context); };
  Lowered lowered;
  lowered.reads = {scatter.data, slices->indices.id, scatter.updates};
  lowered.step = std::move(step);
  return lowered;
}

constexpr OperatorRow kRows[] = {
    {"GatherElements", "gather_elements strided", lower_gather_elements},
    {"GatherND", "gather_nd slices", lower_gather_nd},
    {"ScatterND", "scatter_nd slices", lower_scatter_nd},
};

}  // namespace

std::span<const OperatorRow> indexing_operators() { return kRows; }

}  // namespace tenwatt::cpu
