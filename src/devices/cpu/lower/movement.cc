// Operators that move elements without computing: one strided copy serves most of them, at every
// instruction level. Pieces of the outermost axis are aliases where possible; rare ones share the
// reference kernel, which copies too.
#include <algorithm>
#include <cstring>

#include "devices/cpu/lower/lower.h"
#include "devices/cpu/lower/strided.h"

namespace tenwatt::cpu {
namespace {

using graph::ValueId;

constexpr int64_t kGrain = 64;

/// Copies between a strided source and a strided destination of equal extents.
struct StridedCopy {
  StridedLoop loop;  ///< operands: destination, source
  int64_t to_offset = 0;
  int64_t from_offset = 0;
};

template <class T>
void copy_row(T* to, int64_t to_step, const T* from, int64_t from_step, int64_t n) {
  if (to_step == 1 && from_step == 1) {
    std::memcpy(to, from, static_cast<size_t>(n) * sizeof(T));
    return;
  }
  for (int64_t i = 0; i < n; ++i) to[i * to_step] = from[i * from_step];
}

template <class T>
void copy_share(const StridedCopy& copy, const StepContext& context, ValueId to, ValueId from) {
  const auto share = context.share(copy.loop.elements(), kGrain);
  T* out = context.at<T>(to) + copy.to_offset;
  const T* in = context.at<const T>(from) + copy.from_offset;
  copy.loop.visit(share.begin, share.end, [&](const StridedLoop::Offsets& at, int64_t n) {
    copy_row(out + at[0], copy.loop.inner_stride(0), in + at[1], copy.loop.inner_stride(1), n);
  });
}

using CopyFunction = void (*)(const StridedCopy&, const StepContext&, ValueId, ValueId);

/// The copy for elements of a format, or null for block formats.
CopyFunction copy_function(Format format) {
  if (is_block(format)) return nullptr;
  switch (info(format).bytes) {
    case 1:
      return copy_share<uint8_t>;
    case 2:
      return copy_share<uint16_t>;
    case 4:
      return copy_share<uint32_t>;
    case 8:
      return copy_share<uint64_t>;
    default:
      return nullptr;
  }
}

std::optional<StridedCopy> make_copy(std::span<const int64_t> extents, const Shape& to,
                                     const Shape& from, int64_t to_offset, int64_t from_offset) {
  const Shape strides[] = {to, from};
  const auto loop = StridedLoop::make(extents, strides);
  if (!loop) return std::nullopt;
  return StridedCopy{*loop, to_offset, from_offset};
}

/// The step of one copy from input 0 to output 0.
Result<std::optional<Lowered>> lower_copy(const LowerInput& input,
                                          const std::optional<StridedCopy>& copy,
                                          std::string_view kernel) {
  const CopyFunction function = copy_function(input.in_format(0));
  if (!copy || !function) return std::optional<Lowered>();
  const ValueId from = input.in(0);
  const ValueId to = input.out();
  Step step;
  step.kernel = kernel;
  step.kind = devices::KernelKind::kMovement;
  step.crew = crew_for(copy->loop.elements());
  step.run = [=, copy = *copy](StepContext& context) { function(copy, context, to, from); };
  Lowered lowered;
  lowered.reads = {from};
  lowered.step = std::move(step);
  return lowered;
}

int64_t wrap_axis(int64_t axis, size_t rank) {
  return axis < 0 ? axis + static_cast<int64_t>(rank) : axis;
}

/// Product of the extents before / after an axis.
int64_t outer_of(const Shape& shape, int64_t axis) {
  return elements(std::span(shape).first(static_cast<size_t>(axis)));
}
int64_t inner_of(const Shape& shape, int64_t axis) {
  return elements(std::span(shape).subspan(static_cast<size_t>(axis) + 1));
}

// ---- Transpose -------------------------------------------------------------------------------

Result<std::optional<Lowered>> lower_transpose(const LowerInput& input) {
  const Shape& in = input.in_shape(0);
  std::vector<int64_t> order = input.node.integers("perm");
  if (order.empty()) {
    for (size_t axis = in.size(); axis-- > 0;) order.push_back(static_cast<int64_t>(axis));
  }
  if (order.size() != in.size()) return std::optional<Lowered>();
  const Shape from = contiguous_strides(in);
  Shape permuted;
  std::vector<int64_t> moved;  // axes of more than one element, in their new order
  for (int64_t axis : order) {
    if (axis < 0 || axis >= static_cast<int64_t>(in.size())) return std::optional<Lowered>();
    permuted.push_back(from[static_cast<size_t>(axis)]);
    if (in[static_cast<size_t>(axis)] != 1) moved.push_back(axis);
  }
  if (std::ranges::is_sorted(moved)) {
    Lowered lowered;
    lowered.aliases.push_back({input.out(), input.in(0), 0});
    return lowered;
  }
  const Shape& out = input.out_shape();
  return lower_copy(input, make_copy(out, contiguous_strides(out), permuted, 0, 0),
                    "transpose strided");
}

// ---- Expand ----------------------------------------------------------------------------------

Result<std::optional<Lowered>> lower_expand(const LowerInput& input) {
  const Shape& out = input.out_shape();
  if (elements(input.in_shape(0)) == elements(out)) {
    Lowered lowered;
    lowered.aliases.push_back({input.out(), input.in(0), 0});
    return lowered;
  }
  const auto from = broadcast_strides(input.in_shape(0), out);
  if (!from) return std::optional<Lowered>();
  return lower_copy(input, make_copy(out, contiguous_strides(out), *from, 0, 0), "expand strided");
}

// ---- Slice -----------------------------------------------------------------------------------

struct AxisSlice {
  int64_t start = 0;
  int64_t step = 1;
};

/// ONNX's rules for one axis: negative starts count from the end, then clamp.
AxisSlice clamp_slice(int64_t start, int64_t step, int64_t extent) {
  if (start < 0) start += extent;
  const int64_t last = step < 0 ? extent - 1 : extent;
  return {std::clamp<int64_t>(start, 0, std::max<int64_t>(last, 0)), step};
}

Result<std::optional<Lowered>> lower_slice(const LowerInput& input) {
  const Shape& in = input.in_shape(0);
  const Shape& out = input.out_shape();
  const auto starts = input.has(1) ? input.integers(input.in(1)) : std::nullopt;
  if (!starts || in.size() != out.size()) return std::optional<Lowered>();
  std::vector<int64_t> axes;
  for (size_t i = 0; i < starts->size(); ++i) axes.push_back(static_cast<int64_t>(i));
  std::vector<int64_t> steps(starts->size(), 1);
  if (input.has(3)) {
    const auto given = input.integers(input.in(3));
    if (!given) return std::optional<Lowered>();
    axes = *given;
  }
  if (input.has(4)) {
    const auto given = input.integers(input.in(4));
    if (!given) return std::optional<Lowered>();
    steps = *given;
  }
  if (axes.size() != starts->size() || steps.size() != starts->size()) {
    return std::optional<Lowered>();
  }
  Shape from = contiguous_strides(in);
  int64_t offset = 0;
  bool outer_only = true;  // only the outermost axis of more than one element is cut, by step 1
  for (size_t i = 0; i < axes.size(); ++i) {
    const int64_t axis = wrap_axis(axes[i], in.size());
    if (axis < 0 || axis >= static_cast<int64_t>(in.size())) return std::optional<Lowered>();
    const size_t a = static_cast<size_t>(axis);
    const AxisSlice slice = clamp_slice((*starts)[i], steps[i], in[a]);
    if (out[a] > 0) offset += slice.start * from[a];
    from[a] *= slice.step;
    outer_only = outer_only && (out[a] == in[a] || outer_of(in, axis) == 1) && slice.step == 1;
  }
  if (outer_only && !is_block(input.in_format(0))) {
    Lowered lowered;
    const size_t bytes = info(input.in_format(0)).bytes;
    lowered.aliases.push_back({input.out(), input.in(0), static_cast<size_t>(offset) * bytes});
    return lowered;
  }
  return lower_copy(input, make_copy(out, contiguous_strides(out), from, 0, offset),
                    "slice strided");
}

// ---- Concat and Split ------------------------------------------------------------------------

Result<std::optional<Lowered>> lower_concat(const LowerInput& input) {
  const Shape& out = input.out_shape();
  const CopyFunction function = copy_function(input.in_format(0));
  const int64_t axis = wrap_axis(input.node.integer("axis", 0), out.size());
  if (!function || axis < 0 || axis >= static_cast<int64_t>(out.size())) {
    return std::optional<Lowered>();
  }
  struct Part {
    ValueId from;
    StridedCopy copy;
  };
  std::vector<Part> parts;
  Lowered lowered;
  const Shape strides = contiguous_strides(out);
  int64_t at = 0;
  for (size_t i = 0; i < input.input_count(); ++i) {
    if (!input.has(i) || input.in_format(i) != input.in_format(0)) return std::optional<Lowered>();
    const Shape& shape = input.in_shape(i);
    if (shape.size() != out.size()) return std::optional<Lowered>();
    const auto copy = make_copy(shape, strides, contiguous_strides(shape),
                                at * strides[static_cast<size_t>(axis)], 0);
    if (!copy) return std::optional<Lowered>();
    at += shape[static_cast<size_t>(axis)];
    if (elements(shape) == 0) continue;
    parts.push_back({input.in(i), *copy});
    lowered.reads.push_back(input.in(i));
  }
  const ValueId to = input.out();
  Step step;
  step.kernel = "concat strided";
  step.kind = devices::KernelKind::kMovement;
  step.crew = crew_for(elements(out));
  step.run = [=](StepContext& context) {
    for (const Part& part : parts) function(part.copy, context, to, part.from);
  };
  lowered.step = std::move(step);
  return lowered;
}

Result<std::optional<Lowered>> lower_split(const LowerInput& input) {
  const Shape& in = input.in_shape(0);
  const CopyFunction function = copy_function(input.in_format(0));
  const int64_t axis = wrap_axis(input.node.integer("axis", 0), in.size());
  if (!function || axis < 0 || axis >= static_cast<int64_t>(in.size())) {
    return std::optional<Lowered>();
  }
  struct Part {
    ValueId to;
    StridedCopy copy;
  };
  const ValueId from = input.in(0);
  const Shape strides = contiguous_strides(in);
  const bool outermost = outer_of(in, axis) == 1;
  std::vector<Part> parts;
  Lowered lowered;
  int64_t at = 0;
  for (ValueId id : input.node.outputs) {
    if (id == graph::kNoValue) return std::optional<Lowered>();
    const Shape& shape = input.shape(id);
    const int64_t offset = at * strides[static_cast<size_t>(axis)];
    at += shape[static_cast<size_t>(axis)];
    if (outermost) {
      lowered.aliases.push_back(
          {id, from, static_cast<size_t>(offset) * info(input.in_format(0)).bytes});
      continue;
    }
    const auto copy = make_copy(shape, contiguous_strides(shape), strides, 0, offset);
    if (!copy) return std::optional<Lowered>();
    parts.push_back({id, *copy});
  }
  if (outermost) return lowered;
  Step step;
  step.kernel = "split strided";
  step.kind = devices::KernelKind::kMovement;
  step.crew = crew_for(elements(in));
  step.run = [=](StepContext& context) {
    for (const Part& part : parts) function(part.copy, context, part.to, from);
  };
  lowered.reads = {from};
  lowered.step = std::move(step);
  return lowered;
}

// ---- Pad -------------------------------------------------------------------------------------

/// Fills one row of the output: zeros (or `value`) around a row of the input. Rows of the output
/// that lie wholly in the padding have no input row.
template <class T>
void fill_row(T* to, int64_t count, T value) {
  for (int64_t i = 0; i < count; ++i) to[i] = value;
}

/// Elements before and after each axis; nullopt where they are not known before the run.
std::optional<std::vector<int64_t>> pads_of(const LowerInput& input) {
  const size_t rank = input.in_shape(0).size();
  const auto pads = input.has(1) ? input.integers(input.in(1)) : std::nullopt;
  if (!pads || !input.has(3)) return pads;
  const auto axes = input.integers(input.in(3));
  if (!axes || pads->size() != 2 * axes->size()) return std::nullopt;
  std::vector<int64_t> all(2 * rank, 0);
  for (size_t i = 0; i < axes->size(); ++i) {
    const int64_t axis = wrap_axis((*axes)[i], rank);
    if (axis < 0 || axis >= static_cast<int64_t>(rank)) return std::nullopt;
    all[static_cast<size_t>(axis)] = (*pads)[i];
    all[static_cast<size_t>(axis) + rank] = (*pads)[i + axes->size()];
  }
  return all;
}

/// Fills the output with a value and copies the input over it.
template <class T>
void pad_share(const StridedCopy& copy, const StepContext& context, ValueId to, ValueId from,
               ValueId value, int64_t count) {
  const T fill = value == graph::kNoValue ? T(0) : *context.at<const T>(value);
  const auto share = context.share(count, kGrain);
  fill_row(context.at<T>(to) + share.begin, share.end - share.begin, fill);
  if (!context.barrier()) return;
  if (copy.loop.elements() > 0) copy_share<T>(copy, context, to, from);
}

using PadFunction = void (*)(const StridedCopy&, const StepContext&, ValueId, ValueId, ValueId,
                             int64_t);
PadFunction pad_function(Format format) {
  if (is_block(format)) return nullptr;
  switch (info(format).bytes) {
    case 1:
      return pad_share<uint8_t>;
    case 2:
      return pad_share<uint16_t>;
    case 4:
      return pad_share<uint32_t>;
    default:
      return pad_share<uint64_t>;
  }
}

/// The step of a node whose kernel all levels share with the reference: it copies elements.
Result<std::optional<Lowered>> lower_shared(const LowerInput& input) {
  Lowered lowered = TENWATT_TRY(lower_reference(input));
  lowered.step->kernel = "shared " + input.node.op;
  lowered.step->kind = devices::KernelKind::kMovement;
  return lowered;
}

Result<std::optional<Lowered>> lower_pad(const LowerInput& input) {
  const Shape& in = input.in_shape(0);
  const Shape& out = input.out_shape();
  const auto pads = pads_of(input);
  const PadFunction function = pad_function(input.in_format(0));
  const bool value_fits = !input.has(2) || (input.in_format(2) == input.in_format(0) &&
                                            elements(input.in_shape(2)) == 1);
  if (input.node.text("mode", "constant") != "constant") return lower_shared(input);
  if (!pads || !function || !value_fits || pads->size() != 2 * in.size()) {
    return std::optional<Lowered>();
  }
  // The part of the input that remains (pads may be negative) and where it goes.
  const Shape from = contiguous_strides(in);
  const Shape to = contiguous_strides(out);
  Shape kept(in.size());
  int64_t from_offset = 0;
  int64_t to_offset = 0;
  for (size_t axis = 0; axis < in.size(); ++axis) {
    const int64_t before = (*pads)[axis];
    const int64_t after = (*pads)[axis + in.size()];
    kept[axis] =
        std::max<int64_t>(0, in[axis] + std::min<int64_t>(before, 0) + std::min<int64_t>(after, 0));
    from_offset += std::max<int64_t>(0, -before) * from[axis];
    to_offset += std::max<int64_t>(0, before) * to[axis];
  }
  const auto copy = make_copy(kept, to, from, to_offset, from_offset);
  if (!copy) return std::optional<Lowered>();
  const ValueId source = input.in(0);
  const ValueId target = input.out();
  const ValueId value = input.has(2) ? input.in(2) : graph::kNoValue;
  const int64_t count = elements(out);
  Step step;
  step.kernel = "pad strided";
  step.kind = devices::KernelKind::kMovement;
  step.crew = crew_for(count);
  step.run = [=, copy = *copy](StepContext& context) {
    function(copy, context, target, source, value, count);
  };
  Lowered lowered;
  lowered.reads = {source, value};
  lowered.step = std::move(step);
  return lowered;
}

// ---- Gather ----------------------------------------------------------------------------------

template <class Index>
void gather_rows(const StepContext& context, ValueId data, ValueId indices, ValueId out,
                 int64_t outer, int64_t rows, int64_t picks, size_t row_bytes) {
  const Index* index = context.at<const Index>(indices);
  if (context.is_first()) {
    for (int64_t i = 0; i < picks; ++i) {
      const int64_t row = static_cast<int64_t>(index[i]);
      if (row < -rows || row >= rows) {
        return context.fail(
            {ErrorCode::kOutOfRange,
             "Gather asks for row " + std::to_string(row) + " of " + std::to_string(rows),
             {}});
      }
    }
  }
  const auto* from = context.at<const std::byte>(data);
  auto* to = context.at<std::byte>(out);
  const auto share = context.share(outer * picks);
  for (int64_t item = share.begin; item < share.end; ++item) {
    int64_t row = static_cast<int64_t>(index[item % picks]);
    if (row < 0) row += rows;
    if (row < 0 || row >= rows) continue;  // reported by member 0
    const int64_t source = item / picks * rows + row;
    std::memcpy(to + static_cast<size_t>(item) * row_bytes,
                from + static_cast<size_t>(source) * row_bytes, row_bytes);
  }
}

Result<std::optional<Lowered>> lower_gather(const LowerInput& input) {
  const Shape& in = input.in_shape(0);
  const int64_t axis = wrap_axis(input.node.integer("axis", 0), in.size());
  const Format index = input.in_format(1);
  const bool fits = axis >= 0 && axis < static_cast<int64_t>(in.size()) &&
                    (index == Format::kI64 || index == Format::kI32) &&
                    !is_block(input.in_format(0));
  if (!fits) return std::optional<Lowered>();
  const int64_t outer = outer_of(in, axis);
  const int64_t rows = in[static_cast<size_t>(axis)];
  const int64_t picks = elements(input.in_shape(1));
  const size_t row_bytes = static_cast<size_t>(inner_of(in, axis)) * info(input.in_format(0)).bytes;
  if (input.is_constant(input.in(1)) && picks == 1 && outer == 1) {
    const int64_t row = (*input.integers(input.in(1)))[0];
    if (row >= -rows && row < rows) {
      Lowered lowered;
      const int64_t at = row < 0 ? row + rows : row;
      lowered.aliases.push_back({input.out(), input.in(0), static_cast<size_t>(at) * row_bytes});
      return lowered;
    }
  }
  const ValueId data = input.in(0);
  const ValueId indices = input.in(1);
  const ValueId out = input.out();
  const auto gather = index == Format::kI64 ? gather_rows<int64_t> : gather_rows<int32_t>;
  Step step;
  step.kernel = "gather rows";
  step.kind = devices::KernelKind::kMovement;
  step.crew = crew_for(elements(input.out_shape()));
  step.run = [=](StepContext& context) {
    gather(context, data, indices, out, outer, rows, picks, row_bytes);
  };
  Lowered lowered;
  lowered.reads = {data, indices};
  lowered.step = std::move(step);
  return lowered;
}

constexpr OperatorRow kRows[] = {
    {"Concat", "concat strided", lower_concat},
    {"Constant", "shared Constant", lower_shared},
    {"ConstantOfShape", "shared ConstantOfShape", lower_shared},
    {"Expand", "expand strided", lower_expand},
    {"Gather", "gather rows", lower_gather},
    {"NonZero", "shared NonZero", lower_shared},
    {"Pad", "pad strided", lower_pad},
    {"Range", "shared Range", lower_shared},
    {"Shape", "shared Shape", lower_shared},
    {"Size", "shared Size", lower_shared},
    {"Slice", "slice strided", lower_slice},
    {"Split", "split strided", lower_split},
    {"Tile", "shared Tile", lower_shared},
    {"Transpose", "transpose strided", lower_transpose},
};

}  // namespace

std::span<const OperatorRow> movement_operators() { return kRows; }

}  // namespace tenwatt::cpu
