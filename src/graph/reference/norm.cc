// Normalisation over axes: Softmax, LayerNormalization, RmsNorm. Statistics are computed in double.
#include <cmath>

#include "graph/reference/kernel.h"

namespace tenwatt::graph::reference {
namespace {

/// exp(x - max) / sum(exp(x - max)) along one axis.
template <class T>
void softmax_line(const T* from, T* to, int64_t extent, int64_t step) {
  double largest = -std::numeric_limits<double>::infinity();
  for (int64_t i = 0; i < extent; ++i) {
    largest = std::max(largest, static_cast<double>(from[i * step]));
  }
  double sum = 0;
  for (int64_t i = 0; i < extent; ++i) {
    sum += std::exp(static_cast<double>(from[i * step]) - largest);
  }
  for (int64_t i = 0; i < extent; ++i) {
    to[i * step] = narrow<T>(std::exp(static_cast<double>(from[i * step]) - largest) / sum);
  }
}

Outputs softmax(const Node& node, Inputs inputs, const ReferenceContext&) {
  const Tensor& x = *TENWATT_TRY(need(inputs, 0, "input"));
  int64_t axis = TENWATT_TRY(axis_in(node.integer("axis", -1), x.rank()));
  int64_t outer = extent_product(x.shape(), 0, axis);
  int64_t extent = x.shape()[static_cast<size_t>(axis)];
  int64_t inner = extent_product(x.shape(), axis + 1, x.rank());
  Tensor result = TENWATT_TRY(Tensor::create(x.format(), x.shape()));
  if (result.count() == 0) return one(std::move(result));
  TENWATT_TRY(with_float(x.format(), "input", [&]<class T>() -> Status {
    for (int64_t o = 0; o < outer; ++o) {
      for (int64_t i = 0; i < inner; ++i) {
        int64_t start = o * extent * inner + i;
        softmax_line(x.values<T>().data() + start, result.mutable_values<T>().data() + start,
                     extent, inner);
      }
    }
    return {};
  }));
  return one(std::move(result));
}

struct Moments {
  std::vector<double> mean;
  std::vector<double> scale;  ///< 1 / sqrt(variance + epsilon)
};

/// Of each run of `count` neighbouring elements.
template <class T>
Moments moments_of(std::span<const T> values, int64_t count, double epsilon) {
  Moments moments;
  size_t width = static_cast<size_t>(count);
  for (size_t start = 0; count > 0 && start < values.size(); start += width) {
    double sum = 0;
    for (T value : values.subspan(start, width)) sum += static_cast<double>(value);
    double mean = sum / static_cast<double>(count);
    double squares = 0;
    for (T value : values.subspan(start, width)) {
      double distance = static_cast<double>(value) - mean;
      squares += distance * distance;
    }
    moments.mean.push_back(mean);
    moments.scale.push_back(1 / std::sqrt(squares / static_cast<double>(count) + epsilon));
  }
  return moments;
}

Result<Tensor> f32_tensor(const std::vector<double>& values, Shape shape) {
  Tensor tensor = TENWATT_TRY(Tensor::create(Format::kF32, std::move(shape)));
  std::span<float> to = tensor.mutable_values<float>();
  for (size_t i = 0; i < std::min(to.size(), values.size()); ++i) {
    to[i] = static_cast<float>(values[i]);
  }
  return tensor;
}

template <class T>
void normalise(const Tensor& x, const Moments& moments, const Shape& rows, const Tensor& scale,
               const Tensor* bias, Tensor& result) {
  const Shape& shape = x.shape();
  Walk<4> space{
      shape,
      {strides_of(shape), broadcast_strides(rows, shape), broadcast_strides(scale.shape(), shape),
       broadcast_strides(bias == nullptr ? Shape{} : bias->shape(), shape)}};
  T zero(0.0F);
  const T* from = x.values<T>().data();
  const T* weight = scale.values<T>().data();
  const T* shift = bias == nullptr ? &zero : bias->values<T>().data();
  T* to = result.mutable_values<T>().data();
  walk_rows(space, [&](const auto& offsets, const auto& steps, int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
      int64_t at = offsets[0] + i * steps[0];
      size_t row = static_cast<size_t>(offsets[1] + i * steps[1]);
      double centred = static_cast<double>(from[at]) - moments.mean[row];
      to[at] = narrow<T>(centred * moments.scale[row] *
                             static_cast<double>(weight[offsets[2] + i * steps[2]]) +
                         static_cast<double>(shift[offsets[3] + i * steps[3]]));
    }
  });
}

/// arXiv 1607.06450 over the axes from `axis` on.
Outputs layer_normalization(const Node& node, Inputs inputs, const ReferenceContext&) {
  const Tensor& x = *TENWATT_TRY(need(inputs, 0, "X"));
  const Tensor& scale = *TENWATT_TRY(need_format(inputs, 1, "Scale", x.format()));
  const Tensor* bias = maybe(inputs, 2);
  int64_t axis = TENWATT_TRY(axis_in(node.integer("axis", -1), x.rank()));
  if (TENWATT_TRY(broadcast(scale.shape(), x.shape())) != x.shape()) {
    return invalid("Scale is larger than X");
  }
  if (bias != nullptr) {
    if (bias->format() != x.format()) return wrong_format("B", bias->format());
    if (TENWATT_TRY(broadcast(bias->shape(), x.shape())) != x.shape()) {
      return invalid("B is larger than X");
    }
  }
  Shape rows = x.shape();
  std::fill(rows.begin() + axis, rows.end(), 1);
  int64_t count = extent_product(x.shape(), axis, x.rank());
  Tensor result = TENWATT_TRY(Tensor::create(x.format(), x.shape()));
  Moments moments;
  TENWATT_TRY(with_float(x.format(), "X", [&]<class T>() -> Status {
    moments = moments_of(x.values<T>(), count, node.real("epsilon", 1e-5F));
    normalise<T>(x, moments, rows, scale, bias, result);
    return {};
  }));
  std::vector<Tensor> results = one(std::move(result));
  results.push_back(TENWATT_TRY(f32_tensor(moments.mean, rows)));
  results.push_back(TENWATT_TRY(f32_tensor(moments.scale, rows)));
  return results;
}

/// x / sqrt(mean(x^2) + epsilon) * weight over the last axis (arXiv 1910.07467).
Outputs rms_norm(const Node& node, Inputs inputs, const ReferenceContext&) {
  const Tensor& x = *TENWATT_TRY(need_format(inputs, 0, "x", Format::kF32));
  const Tensor& weight_input = *TENWATT_TRY(need(inputs, 1, "weight"));
  if (x.rank() == 0 || weight_input.shape() != Shape{x.shape().back()}) {
    return invalid("weight " + to_string(weight_input.shape()) + " does not fit x " +
                   to_string(x.shape()));
  }
  Tensor weight_values = TENWATT_TRY(weight_input.to_f32());
  std::span<const float> weight = weight_values.values<float>();
  Tensor result = TENWATT_TRY(Tensor::create(Format::kF32, x.shape()));
  double epsilon = node.real("epsilon", 1e-5F);
  size_t width = weight.size();
  for (size_t start = 0; width > 0 && start < x.values<float>().size(); start += width) {
    std::span<const float> row = x.values<float>().subspan(start, width);
    double squares = 0;
    for (float value : row) squares += static_cast<double>(value) * value;
    double scale = 1 / std::sqrt(squares / static_cast<double>(width) + epsilon);
    std::span<float> to = result.mutable_values<float>().subspan(start, width);
    for (size_t i = 0; i < width; ++i) to[i] = static_cast<float>(row[i] * scale * weight[i]);
  }
  return one(std::move(result));
}

}  // namespace

std::span<const Entry> norm_kernels() {
  static constexpr Entry kEntries[] = {
      {"LayerNormalization", layer_normalization}, {"RmsNorm", rms_norm}, {"Softmax", softmax}};
  return kEntries;
}

}  // namespace tenwatt::graph::reference
