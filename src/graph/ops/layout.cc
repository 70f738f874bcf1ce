// Operators that read shapes or change them without moving data: Shape, Reshape and their kin, and
// those that make tensors from shapes (ConstantOfShape, Range, Expand).
#include <algorithm>
#include <cmath>

#include "graph/ops/schema.h"

namespace tenwatt::graph {
namespace {

Dims vector_shape(size_t count) { return {Dim(static_cast<int64_t>(count))}; }

Status shape_of(Inference& in) {
  const int64_t rank = in.rank(0);
  const auto clamped = [&](int64_t axis) {
    return std::clamp<int64_t>(axis < 0 ? axis + rank : axis, 0, rank);
  };
  const int64_t start = clamped(in.node().integer("start", 0));
  const int64_t end = std::max(start, clamped(in.node().integer("end", rank)));
  Dims extents(in.shape(0).begin() + start, in.shape(0).begin() + end);
  const size_t count = extents.size();
  in.set(0, Format::kI64, vector_shape(count), std::move(extents));
  return {};
}

Status size_of(Inference& in) {
  in.set(0, Format::kI64, {}, Dims{in.count(in.shape(0))});
  return {};
}

/// Extents that a Reshape names: 0 copies the input's, one -1 takes what is left.
Result<Dims> reshaped(Inference& in, const Dims& wanted) {
  const bool zero_is_zero = in.node().integer("allowzero", 0) != 0;
  Dims out;
  std::optional<size_t> open;
  for (size_t i = 0; i < wanted.size(); ++i) {
    const auto number = wanted[i].constant();
    if (number && *number == -1) {
      if (open) return in.wrong("two of the wanted extents are -1");
      open = i;
      out.push_back(Dim(1));
    } else if (number && *number == 0 && !zero_is_zero) {
      if (i >= in.shape(0).size())
        return in.wrong("it copies extent " + std::to_string(i) + ", which its input has not; " +
                        in.shapes());
      out.push_back(in.shape(0)[i]);
    } else if (number && *number < 0) {
      return in.wrong("an extent can't be " + std::to_string(*number));
    } else {
      out.push_back(wanted[i]);
    }
  }
  const Dim total = in.count(in.shape(0));
  const Dim rest = in.count(out);
  if (open) {
    if (rest == Dim(0)) return in.wrong("-1 has no meaning beside an extent of 0");
    out[*open] = Dim::floor_div(total, rest);
  }
  // What is left over must divide; where that depends on symbols it is checked when they are bound.
  TENWATT_TRY(in.same(in.count(out), total, "the element counts of the input and the new shape"));
  return out;
}

Status reshape(Inference& in) {
  const Dims wanted = TENWATT_TRY(in.elements(1));
  Dims shape = TENWATT_TRY(reshaped(in, wanted));
  in.set(0, in.format(0), std::move(shape), in.known(0));
  return {};
}

Status flatten(Inference& in) {
  int64_t axis = in.node().integer("axis", 1);
  if (axis < -in.rank(0) || axis > in.rank(0))
    return in.wrong("axis " + std::to_string(axis) + " does not exist; " + in.shapes());
  if (axis < 0) axis += in.rank(0);
  const Dims& shape = in.shape(0);
  const Dim rows = in.count(Dims(shape.begin(), shape.begin() + axis));
  const Dim columns = in.count(Dims(shape.begin() + axis, shape.end()));
  in.set(0, in.format(0), {rows, columns}, in.known(0));
  return {};
}

Status unsqueeze(Inference& in) {
  const auto axes = TENWATT_TRY(in.numbers(1, "axes"));
  const int64_t rank = in.rank(0) + static_cast<int64_t>(axes.size());
  std::vector<bool> added(static_cast<size_t>(rank), false);
  for (const int64_t axis : axes) {
    const auto at = static_cast<size_t>(TENWATT_TRY(in.axis(axis, rank)));
    if (added[at]) return in.wrong("axis " + std::to_string(axis) + " is named twice");
    added[at] = true;
  }
  Dims shape;
  size_t next = 0;
  for (const bool one : added) shape.push_back(one ? Dim(1) : in.shape(0)[next++]);
  in.set(0, in.format(0), std::move(shape), in.known(0));
  return {};
}

Status squeeze(Inference& in) {
  const auto axes = TENWATT_TRY(in.numbers(1, "axes"));
  const bool all = axes.empty() && !in.has(1) && !in.node().attribute("axes");
  std::vector<bool> dropped(in.shape(0).size(), false);
  for (const int64_t axis : axes)
    dropped[static_cast<size_t>(TENWATT_TRY(in.axis(axis, in.rank(0))))] = true;
  Dims shape;
  for (size_t i = 0; i < dropped.size(); ++i) {
    const Dim& extent = in.shape(0)[i];
    if (all && extent == Dim(1)) continue;
    if (dropped[i]) {
      TENWATT_TRY(in.same(extent, Dim(1), "the extent it drops and 1"));
      continue;
    }
    shape.push_back(extent);
  }
  in.set(0, in.format(0), std::move(shape), in.known(0));
  return {};
}

Status expand(Inference& in) {
  const Dims wanted = TENWATT_TRY(in.elements(1));
  Dims shape = TENWATT_TRY(in.broadcast(in.shape(0), wanted));
  auto known = in.known(0);
  if (known) known = known_broadcast(*known, in.shape(0), shape);
  in.set(0, in.format(0), std::move(shape), std::move(known));
  return {};
}

Status constant_of_shape(Inference& in) {
  Format format = Format::kF32;
  std::optional<Dims> element;
  if (const Attribute* attribute = in.node().attribute("value")) {
    const auto* tensor = std::get_if<Tensor>(attribute);
    if (!tensor || tensor->count() != 1) return in.wrong("its value must be one element");
    format = tensor->format();
    if (info(format).kind != FormatKind::kFloat) element = known_of(*tensor);
  }
  Dims shape = TENWATT_TRY(in.elements(0));
  for (const Dim& extent : shape)
    if (in.range(extent).max < 0) return in.wrong("an extent is negative; " + in.shapes());
  std::optional<Dims> known;
  if (const auto total = small_count(shape); total && element)
    known = Dims(static_cast<size_t>(*total), (*element)[0]);
  in.set(0, format, std::move(shape), std::move(known));
  return {};
}

/// The extent of a Range over floats that are constants but no whole numbers.
std::optional<int64_t> float_steps(const Inference& in) {
  double numbers[3];
  for (size_t i = 0; i < 3; ++i) {
    const auto& constant = in.in(i).constant;
    if (!constant || constant->format() != Format::kF32 || constant->count() != 1)
      return std::nullopt;
    numbers[i] = constant->values<float>()[0];
  }
  const double steps = std::ceil((numbers[1] - numbers[0]) / numbers[2]);
  if (!(steps < static_cast<double>(kMaxDataExtent))) return std::nullopt;
  return static_cast<int64_t>(std::max(steps, 0.0));
}

Status range(Inference& in) {
  const auto steps = float_steps(in);
  if (steps) {
    in.set(0, in.format(0), {Dim(*steps)});
    return {};
  }
  const bool integers = info(in.format(0)).kind == FormatKind::kInteger;
  Dim parts[3];
  for (size_t i = 0; i < 3; ++i) {
    auto contents = in.known(i);
    if (!contents) {
      auto symbols = in.elements(i);
      // A float that no integer stands behind: the node decides.
      if (!symbols && !integers) {
        in.set(0, in.format(0), {in.symbol_extent(0, 0, kMaxDataExtent)});
        return {};
      }
      contents = TENWATT_TRY(std::move(symbols));
    }
    if (contents->size() != 1) return in.wrong("its inputs must be scalars; " + in.shapes());
    parts[i] = (*contents)[0];
  }
  const auto step = parts[2].constant();
  if (step && *step == 0) return in.wrong("its step is 0");
  std::optional<Dim> extent;
  if (step) extent = Dim::ceil_div(parts[1] - parts[0], parts[2]);
  const Dim count = in.extent_or_symbol(extent, 0, 0, kMaxDataExtent);
  std::optional<Dims> known;
  if (const auto number = count.constant(); number && *number <= kMaxKnown && integers) {
    known = Dims();
    for (int64_t i = 0; i < *number; ++i) known->push_back(parts[0] + parts[2] * i);
  }
  in.set(0, in.format(0), {count}, std::move(known));
  return {};
}

constexpr Schema kRows[] = {
    {"ConstantOfShape", 1, 1, 1, constant_of_shape},
    {"Expand", 2, 2, 1, expand},
    {"Flatten", 1, 1, 1, flatten},
    {"Range", 3, 3, 1, range},
    {"Reshape", 2, 2, 1, reshape},
    {"Shape", 1, 1, 1, shape_of},
    {"Size", 1, 1, 1, size_of},
    {"Squeeze", 1, 2, 1, squeeze},
    {"Unsqueeze", 1, 2, 1, unsqueeze},
};

}  // namespace

std::span<const Schema> layout_schemas() { return kRows; }

}  // namespace tenwatt::graph
