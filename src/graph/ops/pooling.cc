// MaxPool: the largest element under a window that moves over the spatial axes. Padding takes no
// part.
#include "graph/ops/schema.h"

namespace tenwatt::graph {
namespace {

constexpr int64_t kMost = int64_t{1} << 30;

struct Window {
  std::vector<int64_t> kernel;
  std::vector<int64_t> strides;
  std::vector<int64_t> dilations;
  std::vector<int64_t> pads;  // all before, then all after
  std::string auto_pad;
};

Result<Window> window(Inference& in) {
  const Node& node = in.node();
  if (in.rank(0) < 3)
    return in.wrong("it needs batch, channels and a spatial axis; " + in.shapes());
  const auto axes = static_cast<size_t>(in.rank(0) - 2);
  Window out;
  out.kernel = node.integers("kernel_shape");
  out.strides = node.integers("strides", std::vector<int64_t>(axes, 1));
  out.dilations = node.integers("dilations", std::vector<int64_t>(axes, 1));
  out.pads = node.integers("pads", std::vector<int64_t>(2 * axes, 0));
  out.auto_pad = node.text("auto_pad", "NOTSET");
  if (out.auto_pad == "VALID") out.pads.assign(2 * axes, 0);
  if (out.kernel.size() != axes || out.strides.size() != axes || out.dilations.size() != axes ||
      out.pads.size() != 2 * axes)
    return in.wrong("its kernel_shape, strides, dilations or pads don't fit its spatial axes");
  const auto in_range = [](int64_t value) { return value >= 1 && value <= kMost; };
  for (size_t i = 0; i < axes; ++i) {
    if (!in_range(out.kernel[i]) || !in_range(out.strides[i]) || !in_range(out.dilations[i]))
      return in.wrong("a stride, dilation or kernel extent is out of range");
    const int64_t reach = (out.kernel[i] - 1) * out.dilations[i] + 1;
    for (const int64_t pad : {out.pads[i], out.pads[axes + i]})
      if (pad < 0 || pad >= reach) return in.wrong("a pad is negative or as long as the window");
  }
  return out;
}

/// Windows along one axis of `extent` elements.
Result<Dim> windows(Inference& in, const Window& at, size_t axis, const Dim& extent) {
  const int64_t stride = at.strides[axis];
  if (at.auto_pad.starts_with("SAME")) return Dim::ceil_div(extent, stride);
  const int64_t before = at.pads[axis];
  const int64_t after = at.pads[at.kernel.size() + axis];
  const int64_t reach = (at.kernel[axis] - 1) * at.dilations[axis] + 1;
  const Dim room = extent + before + after - reach;
  if (in.range(room).max < 0)
    return in.wrong("its window is longer than its padded input; " + in.shapes());
  if (in.node().integer("ceil_mode", 0) == 0) return Dim::floor_div(room, stride) + 1;
  const Dim whole = Dim::ceil_div(room, stride) + 1;
  const auto number = whole.constant();
  // A window that would start in the padding after the input is left out.
  if (number)
    return *number > 1 && (*number - 1) * stride >= *extent.constant() + before ? whole - 1 : whole;
  return in.symbol_extent(0, axis + 2, in.range(whole).max);
}

Status max_pool(Inference& in) {
  const Window at = TENWATT_TRY(window(in));
  const Dims& x = in.shape(0);
  Dims shape{x[0], x[1]};
  for (size_t i = 0; i < at.kernel.size(); ++i)
    shape.push_back(TENWATT_TRY(windows(in, at, i, x[i + 2])));
  in.set(0, in.format(0), shape);
  in.set(1, Format::kI64, std::move(shape));
  return {};
}

constexpr Schema kRows[] = {{"MaxPool", 1, 1, 2, max_pool}};

}  // namespace

std::span<const Schema> pooling_schemas() { return kRows; }

}  // namespace tenwatt::graph
