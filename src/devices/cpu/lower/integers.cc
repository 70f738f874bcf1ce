#include "devices/cpu/lower/integers.h"

#include <algorithm>

#include "devices/cpu/arena.h"
#include "devices/cpu/kernels/panels.h"

namespace tenwatt::cpu {
namespace {

using graph::kNoValue;
using graph::ValueId;

template <class T>
void widen_to(Stored type, const void* from, int64_t n, T* to) {
  const auto copy = [&]<class S>() {
    const S* stored = static_cast<const S*>(from);
    std::transform(stored, stored + n, to, [](S code) { return static_cast<T>(code); });
  };
  switch (type) {
    case Stored::kI8:
      return copy.template operator()<int8_t>();
    case Stored::kU8:
      return copy.template operator()<uint8_t>();
    case Stored::kI16:
      return copy.template operator()<int16_t>();
    case Stored::kU16:
      return copy.template operator()<uint16_t>();
    case Stored::kI32:
      return copy.template operator()<int32_t>();
  }
}

int64_t padded(int64_t outputs) { return panels_of(outputs) * kPanelRows; }

/// A stored byte as a number.
int32_t number_of(const std::byte* byte, uint8_t flip) {
  return flip ? static_cast<int32_t>(*reinterpret_cast<const uint8_t*>(byte))
              : static_cast<int32_t>(*reinterpret_cast<const int8_t*>(byte));
}

}  // namespace

std::optional<Stored> stored_of(Format format) {
  switch (format) {
    case Format::kI8:
      return Stored::kI8;
    case Format::kU8:
      return Stored::kU8;
    case Format::kI16:
      return Stored::kI16;
    case Format::kU16:
      return Stored::kU16;
    case Format::kI32:
      return Stored::kI32;
    default:
      return std::nullopt;
  }
}

void widen(Stored type, const void* from, int64_t n, int32_t* to) { widen_to(type, from, n, to); }
void widen(Stored type, const void* from, int64_t n, float* to) { widen_to(type, from, n, to); }

std::optional<IntegerNode> IntegerNode::make(const LowerInput& input, const ProductInputs& inputs,
                                             int64_t outputs) {
  IntegerNode node;
  bool fits = is_byte(input.in_format(0)) && is_byte(input.in_format(inputs.b));
  const auto take = [&](size_t index, Parameter& to, bool may_vary) {
    if (!input.has(index)) return;
    to.id = input.in(index);
    node.reads_.push_back(to.id);
    const Shape& shape = input.shape(to.id);
    const bool single = elements(shape) == 1 && shape.size() <= 1;
    const bool vector = shape.size() == 1 && shape[0] == outputs;
    to.each = !single;
    fits = fits && (single || (may_vary && vector));
  };
  const auto is_float = [&](const Parameter& parameter) {
    return parameter.id == kNoValue || input.format(parameter.id) == Format::kF32;
  };
  node.reads_.push_back(input.in(0));
  take(inputs.a_zero, node.a_zero_, false);
  take(inputs.b_zero, node.b_zero_, true);
  if (inputs.scaled) {
    take(1, node.a_scale_, false);
    take(4, node.b_scale_, true);
    take(6, node.y_scale_, false);
    take(7, node.y_zero_, false);
    if (input.has(8)) {
      // A vector of one number is the bias of one output.
      take(8, node.bias_, true);
      node.bias_.each = true;
      fits = fits && elements(input.in_shape(8)) == outputs;
      node.whole_bias_ = input.in_format(8) == Format::kI32;
      fits = fits && (node.whole_bias_ || is_float(node.bias_));
    }
    fits = fits && is_float(node.a_scale_) && is_float(node.b_scale_) && is_float(node.y_scale_);
    fits = fits && node.a_scale_.id != kNoValue && node.b_scale_.id != kNoValue;
  }
  if (!fits) return std::nullopt;
  const Format result = input.format(input.out());
  if (node.y_scale_.id != kNoValue) {
    node.rounded_ = stored_of(result);
    node.result_bytes_ = 1;
  }
  node.outputs_ = outputs;
  node.a_flip_ = flip_of(input.in_format(0));
  node.b_flip_ = flip_of(input.in_format(inputs.b));
  return node;
}

size_t IntegerNode::bytes() const {
  return 3 * align_up(static_cast<size_t>(padded(outputs_)) * 4);
}

IntegerNode::Ready IntegerNode::prepare(const StepContext& context, std::byte* memory) const {
  const size_t piece = align_up(static_cast<size_t>(padded(outputs_)) * 4);
  auto* zeros = reinterpret_cast<int32_t*>(memory);
  auto* scales = reinterpret_cast<float*>(memory + piece);
  Ready ready{};
  ready.row = reinterpret_cast<float*>(memory + 2 * piece);
  // Signed codes are stored u8 minus 128, and so are their zero points.
  const auto zero_at = [&](const Parameter& zero, uint8_t flip, int64_t at) {
    const int32_t shift = flip ? 128 : 0;
    if (zero.id == kNoValue) return -shift;
    const auto* bytes = context.at<const std::byte>(zero.id);
    return number_of(bytes + (zero.each ? at : 0), flip) - shift;
  };
  ready.a_zero = zero_at(a_zero_, a_flip_, 0);
  std::fill(zeros, zeros + padded(outputs_), 0);
  for (int64_t n = 0; n < outputs_; ++n) zeros[n] = zero_at(b_zero_, b_flip_, n);
  ready.zeros = zeros;
  if (a_scale_.id == kNoValue) return ready;
  const float left = *context.at<const float>(a_scale_.id);
  const auto* right = context.at<const float>(b_scale_.id);
  std::fill(scales, scales + padded(outputs_), 0.0f);
  for (int64_t n = 0; n < outputs_; ++n) scales[n] = left * right[b_scale_.each ? n : 0];
  ready.scales = scales;
  if (bias_.id != kNoValue && whole_bias_) ready.whole_bias = context.at<const int32_t>(bias_.id);
  if (bias_.id != kNoValue && !whole_bias_) ready.bias = context.at<const float>(bias_.id);
  if (rounded_) {
    ready.y_scale = *context.at<const float>(y_scale_.id);
    widen(*rounded_, context.at<const std::byte>(y_zero_.id), 1, &ready.y_zero);
  }
  return ready;
}

void IntegerNode::finish(const KernelTable& kernels, const Ready& ready, int32_t* sums,
                         int64_t first, int64_t count, std::byte* to) const {
  if (!ready.scales) {
    std::copy(sums, sums + count, reinterpret_cast<int32_t*>(to));
    return;
  }
  if (ready.whole_bias) {
    for (int64_t n = 0; n < count; ++n) {
      sums[n] = static_cast<int32_t>(static_cast<uint32_t>(sums[n]) +
                                     static_cast<uint32_t>(ready.whole_bias[first + n]));
    }
  }
  float* reals = rounded_ ? ready.row : reinterpret_cast<float*>(to);
  kernels.scale_sums(sums, count, ready.scales + first, ready.bias ? ready.bias + first : nullptr,
                     reals);
  if (!rounded_) return;
  kernels.quantise(reals, count, &ready.y_scale, &ready.y_zero, Grain::kSpan, *rounded_, to);
}

}  // namespace tenwatt::cpu
