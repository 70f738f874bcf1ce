// Linear maps and what is built of them: MatMul, Gemm, convolutions, LSTM.
#include "graph/ops/products.h"
#include "graph/ops/schema.h"

namespace tenwatt::graph {

Result<Dims> product_shape(Inference& in, size_t left, size_t right) {
  Dims a = in.shape(left);
  Dims b = in.shape(right);
  if (a.empty() || b.empty()) return in.wrong("it takes no scalars; " + in.shapes());
  const bool row = a.size() == 1;
  const bool column = b.size() == 1;
  if (row) a.insert(a.begin(), Dim(1));
  if (column) b.push_back(Dim(1));
  TENWATT_TRY(in.same(a.back(), b[b.size() - 2], "the inner extents"));
  Dims shape =
      TENWATT_TRY(in.broadcast(Dims(a.begin(), a.end() - 2), Dims(b.begin(), b.end() - 2)));
  if (!row) shape.push_back(a[a.size() - 2]);
  if (!column) shape.push_back(b.back());
  return shape;
}

namespace {

Status matmul(Inference& in) {
  if (in.format(0) != in.format(1))
    return in.wrong("its inputs have different number formats; " + in.shapes());
  in.set(0, in.format(0), TENWATT_TRY(product_shape(in, 0, 1)));
  return {};
}

Status gemm(Inference& in) {
  if (in.rank(0) != 2 || in.rank(1) != 2) return in.wrong("it takes matrices; " + in.shapes());
  const bool a_turned = in.node().integer("transA", 0) != 0;
  const bool b_turned = in.node().integer("transB", 0) != 0;
  TENWATT_TRY(
      in.same(in.shape(0)[a_turned ? 0 : 1], in.shape(1)[b_turned ? 1 : 0], "the inner extents"));
  const Dims shape{in.shape(0)[a_turned ? 1 : 0], in.shape(1)[b_turned ? 0 : 1]};
  if (in.has(2)) {
    const Dims together = TENWATT_TRY(in.broadcast(shape, in.shape(2)));
    if (together.size() != 2) return in.wrong("its third input has too many axes; " + in.shapes());
  }
  in.set(0, in.format(0), shape);
  return {};
}

struct Spatial {
  std::vector<int64_t> kernel;
  std::vector<int64_t> strides;
  std::vector<int64_t> dilations;
  std::vector<int64_t> pads;  // all before, then all after
  std::string auto_pad;
};

Result<Spatial> spatial(Inference& in, size_t input = 0, size_t weight = 1) {
  if (in.rank(input) < 3 || in.rank(weight) != in.rank(input))
    return in.wrong("input and weight need batch, channels and as many spatial axes; " +
                    in.shapes());
  const auto axes = static_cast<size_t>(in.rank(input) - 2);
  Spatial out;
  for (size_t i = 0; i < axes; ++i) {
    const auto extent = in.shape(weight)[i + 2].constant();
    if (!extent || *extent < 1) return in.wrong("its kernel has no fixed size; " + in.shapes());
    out.kernel.push_back(*extent);
  }
  const auto declared = in.node().integers("kernel_shape", out.kernel);
  if (declared != out.kernel)
    return in.wrong("its kernel_shape does not fit its weight; " + in.shapes());
  out.strides = in.node().integers("strides", std::vector<int64_t>(axes, 1));
  out.dilations = in.node().integers("dilations", std::vector<int64_t>(axes, 1));
  out.pads = in.node().integers("pads", std::vector<int64_t>(2 * axes, 0));
  out.auto_pad = in.node().text("auto_pad", "NOTSET");
  if (out.auto_pad == "VALID") out.pads.assign(2 * axes, 0);
  if (out.strides.size() != axes || out.dilations.size() != axes || out.pads.size() != 2 * axes)
    return in.wrong("its strides, dilations or pads don't fit its spatial axes");
  constexpr int64_t kMost = int64_t{1} << 30;
  for (size_t i = 0; i < axes; ++i) {
    if (out.strides[i] < 1 || out.strides[i] > kMost || out.dilations[i] < 1 ||
        out.dilations[i] > kMost || out.kernel[i] > kMost)
      return in.wrong("a stride, dilation or kernel extent is out of range");
  }
  return out;
}

bool pads_to_same(const Spatial& spatial) {
  return spatial.auto_pad == "SAME_UPPER" || spatial.auto_pad == "SAME_LOWER";
}

/// The bias has one number per output channel.
Status check_bias(Inference& in, const Dim& channels) {
  if (!in.has(2)) return {};
  if (in.rank(2) != 1) return in.wrong("its bias must be a vector; " + in.shapes());
  TENWATT_TRY(in.same(in.shape(2)[0], channels, "bias and output channels"));
  return {};
}

Result<int64_t> groups_of(Inference& in) {
  const int64_t groups = in.node().integer("group", 1);
  if (groups < 1 || groups > (int64_t{1} << 30)) return in.wrong("its group is out of range");
  return groups;
}

}  // namespace

Result<Dims> convolution_shape(Inference& in, size_t input, size_t weight) {
  const Spatial at = TENWATT_TRY(spatial(in, input, weight));
  const int64_t groups = TENWATT_TRY(groups_of(in));
  const Dims& x = in.shape(input);
  const Dims& w = in.shape(weight);
  TENWATT_TRY(in.same(x[1], w[1] * groups, "the channels of input and weight"));
  if (Dim::floor_div(w[0], groups) * groups != w[0])
    return in.wrong("its output channels don't divide into its groups; " + in.shapes());
  Dims shape{x[0], w[0]};
  const size_t axes = at.kernel.size();
  for (size_t i = 0; i < axes; ++i) {
    if (pads_to_same(at)) {
      shape.push_back(Dim::ceil_div(x[i + 2], at.strides[i]));
      continue;
    }
    const Dim reach = Dim(at.dilations[i]) * (at.kernel[i] - 1) + 1;
    const Dim padded = x[i + 2] + at.pads[i] + at.pads[axes + i];
    const Dim extent = Dim::floor_div(padded - reach, at.strides[i]) + 1;
    const Range possible = in.range(extent);
    if (possible.max < 1)
      return in.wrong("its kernel is longer than its padded input; " + in.shapes());
    // Where only a run decides the input's extent, one that is too short is refused then.
    shape.push_back(extent);
  }
  return shape;
}

namespace {

Status conv(Inference& in) {
  Dims shape = TENWATT_TRY(convolution_shape(in, 0, 1));
  TENWATT_TRY(check_bias(in, shape[1]));
  in.set(0, in.format(0), std::move(shape));
  return {};
}

Status conv_transpose(Inference& in) {
  const Spatial at = TENWATT_TRY(spatial(in));
  const int64_t groups = TENWATT_TRY(groups_of(in));
  const Dims& x = in.shape(0);
  const Dims& w = in.shape(1);
  TENWATT_TRY(in.same(x[1], w[0], "the channels of input and weight"));
  const Dim channels = w[1] * groups;
  TENWATT_TRY(check_bias(in, channels));
  const size_t axes = at.kernel.size();
  const auto extra = in.node().integers("output_padding", std::vector<int64_t>(axes, 0));
  const auto wanted = in.node().integers("output_shape");
  if (extra.size() != axes || (!wanted.empty() && wanted.size() < axes))
    return in.wrong("its output_padding or output_shape does not fit its spatial axes");
  Dims shape{x[0], channels};
  for (size_t i = 0; i < axes; ++i) {
    if (!wanted.empty()) {
      shape.push_back(Dim(wanted[wanted.size() - axes + i]));
      continue;
    }
    if (pads_to_same(at)) {
      shape.push_back(x[i + 2] * at.strides[i]);
      continue;
    }
    const Dim reach = Dim(at.dilations[i]) * (at.kernel[i] - 1) + 1;
    const Dim extent =
        (x[i + 2] - 1) * at.strides[i] + extra[i] + reach - at.pads[i] - at.pads[axes + i];
    shape.push_back(extent);
  }
  in.set(0, in.format(0), std::move(shape));
  return {};
}

/// X [seq, batch, input] (layout 1: [batch, seq, input]), W [directions, 4*hidden, input],
/// R [directions, 4*hidden, hidden].
Status lstm(Inference& in) {
  if (in.rank(0) != 3 || in.rank(1) != 3 || in.rank(2) != 3)
    return in.wrong("its input and weights need three axes; " + in.shapes());
  const bool batch_first = in.node().integer("layout", 0) != 0;
  const Dim& steps = in.shape(0)[batch_first ? 1 : 0];
  const Dim& batch = in.shape(0)[batch_first ? 0 : 1];
  const Dim& hidden = in.shape(2)[2];
  const Dim directions(in.node().text("direction", "forward") == "bidirectional" ? 2 : 1);
  for (const size_t weight : {size_t{1}, size_t{2}}) {
    TENWATT_TRY(in.same(in.shape(weight)[0], directions, "its directions and its weights"));
    TENWATT_TRY(in.same(in.shape(weight)[1], hidden * 4, "its gates and its weights"));
  }
  TENWATT_TRY(in.same(in.shape(0)[2], in.shape(1)[2], "the inner extents"));
  const Dims state =
      batch_first ? Dims{batch, directions, hidden} : Dims{directions, batch, hidden};
  for (const size_t input : {size_t{5}, size_t{6}}) {
    if (!in.has(input)) continue;
    if (in.rank(input) != 3) return in.wrong("its states need three axes; " + in.shapes());
    for (size_t i = 0; i < 3; ++i)
      TENWATT_TRY(in.same(state[i], in.shape(input)[i], "extents of its states"));
  }
  in.set(0, in.format(0),
         batch_first ? Dims{batch, steps, directions, hidden}
                     : Dims{steps, directions, batch, hidden});
  in.set(1, in.format(0), state);
  in.set(2, in.format(0), state);
  return {};
}

constexpr Schema kRows[] = {
    {"Conv", 2, 3, 1, conv},     {"ConvTranspose", 2, 3, 1, conv_transpose},
    {"Gemm", 2, 3, 1, gemm},     {"LSTM", 3, 8, 3, lstm},
    {"MatMul", 2, 2, 1, matmul},
};

}  // namespace

std::span<const Schema> linear_schemas() { return kRows; }

}  // namespace tenwatt::graph
