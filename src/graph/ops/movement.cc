// Operators that move data without computing: Transpose, Concat, Slice, Split, Pad, Tile.
#include <algorithm>

#include "graph/ops/schema.h"

namespace tenwatt::graph {
namespace {

constexpr int64_t kFar = int64_t{1} << 60;  // stands for "to the end" in either direction

Status transpose(Inference& in) {
  const auto rank = static_cast<size_t>(in.rank(0));
  std::vector<int64_t> order = in.node().integers("perm");
  if (order.empty())
    for (size_t i = rank; i-- > 0;) order.push_back(static_cast<int64_t>(i));
  std::vector<bool> seen(rank, false);
  Dims shape;
  for (const int64_t axis : order) {
    const auto from = static_cast<size_t>(TENWATT_TRY(in.axis(axis, in.rank(0))));
    if (seen[from]) return in.wrong("its perm names axis " + std::to_string(axis) + " twice");
    seen[from] = true;
    shape.push_back(in.shape(0)[from]);
  }
  if (shape.size() != rank)
    return in.wrong("its perm has " + std::to_string(shape.size()) + " axes; " + in.shapes());
  auto known = in.known(0);
  if (const auto numbers = numbers_of(in.shape(0)); known && numbers) {
    const std::vector<int64_t> packed = strides_of(*numbers);
    std::vector<int64_t> strides;
    for (const int64_t axis : order)
      strides.push_back(packed[static_cast<size_t>(axis < 0 ? axis + in.rank(0) : axis)]);
    known = known_strided(*known, *numbers_of(shape), strides, 0);
  }
  in.set(0, in.format(0), std::move(shape), std::move(known));
  return {};
}

Status concat(Inference& in) {
  const auto axis =
      static_cast<size_t>(TENWATT_TRY(in.axis(in.node().integer("axis", 0), in.rank(0))));
  Dims shape = in.shape(0);
  for (size_t i = 1; i < in.inputs(); ++i) {
    if (in.rank(i) != in.rank(0) || in.format(i) != in.format(0))
      return in.wrong("its inputs don't fit together; " + in.shapes());
    for (size_t d = 0; d < shape.size(); ++d) {
      if (d == axis) {
        shape[d] = shape[d] + in.shape(i)[d];
      } else {
        shape[d] = TENWATT_TRY(in.same(shape[d], in.shape(i)[d], "extents beside the joined axis"));
      }
    }
  }
  std::optional<Dims> known;
  if (axis == 0) {
    known = Dims();
    for (size_t i = 0; i < in.inputs() && known; ++i) {
      const auto part = in.known(i);
      if (part) {
        known->insert(known->end(), part->begin(), part->end());
      } else {
        known.reset();
      }
    }
  }
  in.set(0, in.format(0), std::move(shape), std::move(known));
  return {};
}

/// Bounds of a Slice: far numbers are saturated, so that they can be compared with extents.
Result<Dims> bounds(Inference& in, size_t input) {
  const auto& constant = in.in(input).constant;
  if (constant && constant->format() == Format::kI64 && constant->count() <= kMaxKnown) {
    Dims out;
    for (const int64_t value : constant->values<int64_t>())
      out.push_back(Dim(std::clamp(value, -kFar, kFar)));
    return out;
  }
  Dims out = TENWATT_TRY(in.elements(input));
  for (Dim& dim : out)
    if (const auto number = dim.constant()) dim = Dim(std::clamp(*number, -kFar, kFar));
  return out;
}

/// A bound as a position: negative ones count from the end, then it is clamped to [low, high].
std::optional<Dim> position(const Inference& in, const Dim& bound, const Dim& extent,
                            const Dim& low, const Dim& high) {
  const auto not_negative = in.at_most(Dim(0), bound);
  if (!not_negative) return std::nullopt;
  const auto raised = in.max(*not_negative ? bound : bound + extent, low);
  return raised ? in.min(*raised, high) : std::nullopt;
}

struct Cut {
  std::optional<Dim> start;
  std::optional<Dim> extent;
};

Cut cut_axis(const Inference& in, const Dim& extent, const Dim& start, const Dim& end,
             int64_t step) {
  const Dim low = step > 0 ? Dim(0) : Dim(-1);
  const Dim high = step > 0 ? extent : extent - 1;
  const auto from = position(in, start, extent, low, high);
  const auto to = position(in, end, extent, low, high);
  if (!from || !to) return {from, std::nullopt};
  const Dim length = step > 0 ? *to - *from : *from - *to;
  const auto count = in.max(Dim::ceil_div(length, Dim(step > 0 ? step : -step)), Dim(0));
  return {from, count};
}

Status slice(Inference& in) {
  const Dims starts = TENWATT_TRY(bounds(in, 1));
  const Dims ends = TENWATT_TRY(bounds(in, 2));
  std::vector<int64_t> axes = TENWATT_TRY(in.numbers(3, "axes"));
  std::vector<int64_t> steps = TENWATT_TRY(in.numbers(4, "steps"));
  if (axes.empty())
    for (size_t i = 0; i < starts.size(); ++i) axes.push_back(static_cast<int64_t>(i));
  if (steps.empty()) steps.assign(starts.size(), 1);
  if (ends.size() != starts.size() || axes.size() != starts.size() || steps.size() != starts.size())
    return in.wrong("its starts, ends, axes and steps are not equally many; " + in.shapes());

  Dims shape = in.shape(0);
  auto known = in.known(0);
  const auto numbers = numbers_of(shape);
  std::vector<int64_t> strides = numbers ? strides_of(*numbers) : std::vector<int64_t>();
  int64_t offset = 0;
  for (size_t i = 0; i < axes.size(); ++i) {
    const auto axis = static_cast<size_t>(TENWATT_TRY(in.axis(axes[i], in.rank(0))));
    const int64_t step = std::clamp(steps[i], -kFar, kFar);
    if (step == 0) return in.wrong("a step is 0");
    const Dim whole = shape[axis];
    const Cut cut = cut_axis(in, whole, starts[i], ends[i], step);
    shape[axis] = in.extent_or_symbol(cut.extent, 0, axis, in.range(whole).max);
    if (!numbers || !known) continue;
    if (!cut.start || !cut.start->is_constant()) {
      known.reset();
      continue;
    }
    if (shape[axis] == Dim(0)) continue;  // nothing is read, so the offset does not matter
    offset += *cut.start->constant() * strides[axis];
    // A step beyond the extent reads one element only.
    strides[axis] = shape[axis] == Dim(1) ? 0 : strides[axis] * step;
  }
  const auto target = numbers_of(shape);
  if (known && target && numbers) {
    known = known_strided(*known, *target, strides, offset);
  } else {
    known.reset();
  }
  in.set(0, in.format(0), std::move(shape), std::move(known));
  return {};
}

/// The sizes of Split's parts.
Result<Dims> part_sizes(Inference& in, const Dim& whole) {
  const size_t count = in.outputs();
  if (in.has(1)) return in.elements(1);
  if (const auto sizes = in.node().integers("split"); !sizes.empty())
    return Dims(sizes.begin(), sizes.end());
  const Dim parts(static_cast<int64_t>(count));
  const Dim size = Dim::ceil_div(whole, parts);
  Dims sizes(count, size);
  sizes.back() = whole - size * (parts - 1);
  return sizes;
}

Status split(Inference& in) {
  const auto axis =
      static_cast<size_t>(TENWATT_TRY(in.axis(in.node().integer("axis", 0), in.rank(0))));
  const Dims sizes = TENWATT_TRY(part_sizes(in, in.shape(0)[axis]));
  if (sizes.size() != in.outputs())
    return in.wrong("it has " + std::to_string(in.outputs()) + " outputs but " +
                    std::to_string(sizes.size()) + " sizes");
  Dim total;
  for (const Dim& size : sizes) {
    if (in.range(size).min < 0) return in.wrong("a part may be smaller than 0; " + in.shapes());
    total = total + size;
  }
  TENWATT_TRY(in.same(total, in.shape(0)[axis], "the parts together and the split extent"));
  const auto known = in.known(0);
  int64_t at = 0;
  for (size_t i = 0; i < sizes.size(); ++i) {
    Dims shape = in.shape(0);
    shape[axis] = sizes[i];
    std::optional<Dims> part;
    if (const auto size = sizes[i].constant(); size && known && in.rank(0) == 1 && at >= 0) {
      if (at + *size <= static_cast<int64_t>(known->size()))
        part = Dims(known->begin() + at, known->begin() + at + *size);
      at += *size;
    } else {
      at = -1;
    }
    in.set(i, in.format(0), std::move(shape), std::move(part));
  }
  return {};
}

Status pad(Inference& in) {
  Dims pads;
  if (in.has(1)) {
    pads = TENWATT_TRY(in.elements(1));
  } else {
    for (const int64_t pad : in.node().integers("pads")) pads.push_back(Dim(pad));
  }
  std::vector<int64_t> axes = TENWATT_TRY(in.numbers(3, "axes"));
  if (axes.empty())
    for (int64_t i = 0; i < in.rank(0); ++i) axes.push_back(i);
  if (pads.size() != 2 * axes.size())
    return in.wrong("it needs two pads per axis, not " + std::to_string(pads.size()) + "; " +
                    in.shapes());
  Dims shape = in.shape(0);
  for (size_t i = 0; i < axes.size(); ++i) {
    const auto axis = static_cast<size_t>(TENWATT_TRY(in.axis(axes[i], in.rank(0))));
    const Dim extent = shape[axis] + pads[i] + pads[axes.size() + i];
    if (in.range(extent).max < 0)
      return in.wrong("its pads make an extent negative; " + in.shapes());
    shape[axis] = in.extent_or_symbol(extent, 0, axis, in.range(extent).max);
  }
  in.set(0, in.format(0), std::move(shape));
  return {};
}

Status tile(Inference& in) {
  const Dims repeats = TENWATT_TRY(in.elements(1));
  if (repeats.size() != in.shape(0).size())
    return in.wrong("it needs one repeat per axis; " + in.shapes());
  Dims shape = in.shape(0);
  for (size_t i = 0; i < shape.size(); ++i) shape[i] = shape[i] * repeats[i];
  in.set(0, in.format(0), std::move(shape));
  return {};
}

constexpr Schema kRows[] = {
    {"Concat", 1, kAnyNumber, 1, concat},
    {"Pad", 1, 4, 1, pad},
    {"Slice", 3, 5, 1, slice},
    {"Split", 1, 2, kAnyNumber, split},
    {"Tile", 2, 2, 1, tile},
    {"Transpose", 1, 1, 1, transpose},
};

}  // namespace

std::span<const Schema> movement_schemas() { return kRows; }

}  // namespace tenwatt::graph
