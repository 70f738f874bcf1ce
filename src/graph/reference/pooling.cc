// MaxPool over any number of spatial axes: for every output the maximum of the elements under its
// window, and where the first of them lies in the whole input.
#include "graph/reference/kernel.h"

namespace tenwatt::graph::reference {
namespace {

struct Axis {
  int64_t in;
  int64_t out;
  int64_t kernel;
  int64_t stride;
  int64_t dilation;
  int64_t pad;  ///< before the first element
};

Result<std::vector<Axis>> axes_of(const Node& node, const Tensor& x) {
  if (x.rank() < 3) return invalid("X needs batch, channels and a spatial axis");
  const size_t count = x.shape().size() - 2;
  const Integers kernel = node.integers("kernel_shape");
  const Integers strides = node.integers("strides", Integers(count, 1));
  const Integers dilations = node.integers("dilations", Integers(count, 1));
  const Integers pads = node.integers("pads", Integers(2 * count, 0));
  const std::string auto_pad = node.text("auto_pad", "NOTSET");
  if (kernel.size() != count || strides.size() != count || dilations.size() != count ||
      pads.size() != 2 * count)
    return invalid("the attributes don't fit the spatial axes");
  const bool up = node.integer("ceil_mode", 0) != 0;
  std::vector<Axis> axes;
  for (size_t i = 0; i < count; ++i) {
    constexpr int64_t kMost = int64_t{1} << 30;
    for (const int64_t number : {kernel[i], strides[i], dilations[i]})
      if (number < 1 || number > kMost) return invalid("an attribute is out of bounds");
    Axis axis{x.shape()[i + 2], 0, kernel[i], strides[i], dilations[i], pads[i]};
    const int64_t reach = (axis.kernel - 1) * axis.dilation + 1;
    int64_t total = pads[i] + pads[count + i];
    if (pads[i] < 0 || pads[i] >= reach || pads[count + i] < 0 || pads[count + i] >= reach)
      return invalid("pads out of bounds");
    if (auto_pad == "VALID") axis.pad = total = 0;
    if (auto_pad.starts_with("SAME")) {
      const int64_t wanted = (axis.in + axis.stride - 1) / axis.stride;
      total = std::max<int64_t>(0, (wanted - 1) * axis.stride + reach - axis.in);
      axis.pad = auto_pad == "SAME_UPPER" ? total / 2 : total - total / 2;
    }
    const int64_t room = axis.in + total - reach;
    if (room < 0) return invalid("the window is larger than the padded input");
    axis.out = room / axis.stride + 1;
    const bool rest = up && room % axis.stride != 0 && !auto_pad.starts_with("SAME");
    // A further window has to start inside the input or the padding before it.
    if (rest && axis.out * axis.stride < axis.in + axis.pad) ++axis.out;
    axes.push_back(axis);
  }
  return axes;
}

/// Counts through an index space in row-major order; false after the last one.
template <class Extent>
bool advance(Integers& index, Extent extent) {
  for (size_t axis = index.size(); axis-- > 0;) {
    if (++index[axis] < extent(axis)) return true;
    index[axis] = 0;
  }
  return false;
}

/// Offsets of the elements under the window at `out`, in the order of its taps.
void elements_under(const std::vector<Axis>& axes, const Integers& out, const Integers& steps,
                    Integers& offsets) {
  offsets.clear();
  Integers tap(axes.size(), 0);
  do {
    int64_t offset = 0;
    bool inside = true;
    for (size_t i = 0; i < axes.size(); ++i) {
      const Axis& axis = axes[i];
      const int64_t at = out[i] * axis.stride + tap[i] * axis.dilation - axis.pad;
      inside = inside && at >= 0 && at < axis.in;
      offset += at * steps[i];
    }
    if (inside) offsets.push_back(offset);
  } while (advance(tap, [&](size_t axis) { return axes[axis].kernel; }));
}

/// The index of an element of a plane where columns count first (storage_order 1).
int64_t by_columns(const std::vector<Axis>& axes, const Integers& steps, int64_t offset) {
  int64_t index = 0;
  int64_t step = 1;
  for (size_t i = 0; i < axes.size(); ++i) {
    index += offset / steps[i] % axes[i].in * step;
    step *= axes[i].in;
  }
  return index;
}

Outputs max_pool(const Node& node, Inputs inputs, const ReferenceContext&) {
  const Tensor& x = *TENWATT_TRY(need(inputs, 0, "X"));
  const std::vector<Axis> axes = TENWATT_TRY(axes_of(node, x));
  Shape shape{x.shape()[0], x.shape()[1]};
  Integers extents;
  for (const Axis& axis : axes) {
    shape.push_back(axis.out);
    extents.push_back(axis.in);
  }
  const Integers steps = strides_of(extents);
  const int64_t plane = extent_product(x.shape(), 2, x.rank());
  const bool columns = node.integer("storage_order", 0) != 0;
  Tensor result = TENWATT_TRY(Tensor::create(x.format(), shape));
  Tensor where = TENWATT_TRY(Tensor::create(Format::kI64, shape));
  TENWATT_TRY(with_number(x.format(), "X", [&]<class T>() -> Status {
    std::span<T> to = result.mutable_values<T>();
    std::span<int64_t> index = where.mutable_values<int64_t>();
    Integers offsets;
    size_t at = 0;
    for (int64_t p = 0; at < to.size(); ++p) {
      const T* from = x.values<T>().data() + p * plane;
      Integers out(axes.size(), 0);
      do {
        elements_under(axes, out, steps, offsets);
        if (offsets.empty()) return invalid("a window lies in the padding");
        int64_t best = offsets[0];
        for (const int64_t offset : offsets)
          if (Work<T>(from[offset]) > Work<T>(from[best])) best = offset;
        to[at] = from[best];
        index[at++] = p * plane + (columns ? by_columns(axes, steps, best) : best);
      } while (advance(out, [&](size_t axis) { return axes[axis].out; }));
    }
    return {};
  }));
  std::vector<Tensor> outputs = one(std::move(result));
  outputs.push_back(std::move(where));
  return outputs;
}

}  // namespace

std::span<const Entry> pooling_kernels() {
  static constexpr Entry kEntries[] = {{"MaxPool", max_pool}};
  return kEntries;
}

}  // namespace tenwatt::graph::reference
