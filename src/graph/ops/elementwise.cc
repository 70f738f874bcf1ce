// Operators that compute element by element, with broadcasting, and those that keep their input's
// shape. Arithmetic on small integer tensors is followed symbolically.
#include <array>

#include "graph/ops/schema.h"

namespace tenwatt::graph {
namespace {

constexpr int64_t kExactFloat = int64_t{1} << 24;  // integers that f32 holds exactly

using Fold = std::optional<Dim> (*)(const Inference&, const Dim&, const Dim&);

bool is_integer(Format format) { return info(format).kind == FormatKind::kInteger; }

/// Applies `fold` to the known contents of inputs 0 and 1, broadcast to `shape`.
std::optional<Dims> folded(const Inference& in, const Dims& shape, Fold fold) {
  const auto a = in.known(0);
  const auto b = in.known(1);
  if (!a || !b) return std::nullopt;
  const auto left = known_broadcast(*a, in.shape(0), shape);
  const auto right = known_broadcast(*b, in.shape(1), shape);
  if (!left || !right) return std::nullopt;
  Dims out;
  for (size_t i = 0; i < left->size(); ++i) {
    const auto value = fold(in, (*left)[i], (*right)[i]);
    if (!value) return std::nullopt;
    out.push_back(*value);
  }
  return out;
}

std::optional<Dim> add(const Inference&, const Dim& a, const Dim& b) { return a + b; }
std::optional<Dim> subtract(const Inference&, const Dim& a, const Dim& b) { return a - b; }
std::optional<Dim> multiply(const Inference&, const Dim& a, const Dim& b) { return a * b; }

// ONNX's integer division truncates; it is a floor where the signs agree.
std::optional<Dim> divide(const Inference& in, const Dim& a, const Dim& b) {
  const auto x = a.constant();
  const auto y = b.constant();
  if (x && y && *y != 0) return Dim(*x / *y);
  if (in.range(a).min < 0 || in.range(b).min <= 0) return std::nullopt;
  return Dim::floor_div(a, b);
}

std::optional<Dim> truth(std::optional<bool> value) {
  return value ? std::optional(Dim(*value ? 1 : 0)) : std::nullopt;
}
std::optional<bool> negated(std::optional<bool> value) {
  return value ? std::optional(!*value) : std::nullopt;
}

std::optional<Dim> equals(const Inference& in, const Dim& a, const Dim& b) {
  return truth(in.equal(a, b));
}
std::optional<Dim> less(const Inference& in, const Dim& a, const Dim& b) {
  return truth(negated(in.at_most(b, a)));
}
std::optional<Dim> less_or_equal(const Inference& in, const Dim& a, const Dim& b) {
  return truth(in.at_most(a, b));
}
std::optional<Dim> greater(const Inference& in, const Dim& a, const Dim& b) {
  return truth(negated(in.at_most(a, b)));
}
std::optional<Dim> greater_or_equal(const Inference& in, const Dim& a, const Dim& b) {
  return truth(in.at_most(b, a));
}
std::optional<Dim> both(const Inference&, const Dim& a, const Dim& b) { return a * b; }
std::optional<Dim> either(const Inference&, const Dim& a, const Dim& b) { return a + b - a * b; }
std::optional<Dim> one_of(const Inference&, const Dim& a, const Dim& b) {
  return a + b - a * b * 2;
}

/// Arithmetic: the format of the inputs. Whole numbers in floats are followed while f32 is exact.
template <Fold fold>
Status arithmetic(Inference& in) {
  if (in.format(0) != in.format(1))
    return in.wrong("its inputs have different number formats; " + in.shapes());
  Dims shape = TENWATT_TRY(in.broadcast(in.shape(0), in.shape(1)));
  std::optional<Dims> known;
  if (is_integer(in.format(0)) || (in.format(0) == Format::kF32 && fold != divide))
    known = folded(in, shape, fold);
  if (known && in.format(0) == Format::kF32) {
    for (const Dim& value : *known) {
      const Range range = in.range(value);
      if (range.min >= -kExactFloat && range.max <= kExactFloat) continue;
      known.reset();
      break;
    }
  }
  in.set(0, in.format(0), std::move(shape), std::move(known));
  return {};
}

/// The base's format; the exponent may have another.
Status power(Inference& in) {
  in.set(0, in.format(0), TENWATT_TRY(in.broadcast(in.shape(0), in.shape(1))));
  return {};
}

template <Fold fold>
Status compare(Inference& in) {
  if (in.format(0) != in.format(1))
    return in.wrong("its inputs have different number formats; " + in.shapes());
  Dims shape = TENWATT_TRY(in.broadcast(in.shape(0), in.shape(1)));
  auto known = folded(in, shape, fold);
  in.set(0, Format::kBool, std::move(shape), std::move(known));
  return {};
}

/// Min and Max of any number of inputs.
template <std::optional<Dim> (Inference::*choose)(const Dim&, const Dim&) const>
Status extremum(Inference& in) {
  Dims shape = in.shape(0);
  for (size_t i = 1; i < in.inputs(); ++i) shape = TENWATT_TRY(in.broadcast(shape, in.shape(i)));
  std::optional<Dims> known = in.known(0);
  if (known) known = known_broadcast(*known, in.shape(0), shape);
  for (size_t i = 1; i < in.inputs() && known; ++i) {
    auto next = in.known(i);
    if (next) next = known_broadcast(*next, in.shape(i), shape);
    for (size_t e = 0; known && e < known->size(); ++e) {
      const auto value = next ? (in.*choose)((*known)[e], (*next)[e]) : std::nullopt;
      if (value) {
        (*known)[e] = *value;
      } else {
        known.reset();
      }
    }
  }
  in.set(0, in.format(0), std::move(shape), std::move(known));
  return {};
}

Status where(Inference& in) {
  if (in.format(1) != in.format(2))
    return in.wrong("its branches have different number formats; " + in.shapes());
  Dims shape = TENWATT_TRY(in.broadcast(in.shape(0), in.shape(1)));
  shape = TENWATT_TRY(in.broadcast(shape, in.shape(2)));
  std::array<std::optional<Dims>, 3> known;
  for (size_t i = 0; i < 3; ++i) {
    known[i] = in.known(i);
    if (known[i]) known[i] = known_broadcast(*known[i], in.shape(i), shape);
  }
  std::optional<Dims> out;
  if (known[1] && known[2]) {
    out = Dims();
    for (size_t e = 0; out && e < known[1]->size(); ++e) {
      const Dim& yes = (*known[1])[e];
      const Dim& no = (*known[2])[e];
      const auto condition = known[0] ? (*known[0])[e].constant() : std::nullopt;
      if (!condition && yes != no) {
        out.reset();
      } else {
        out->push_back(condition && *condition == 0 ? no : yes);
      }
    }
  }
  in.set(0, in.format(1), std::move(shape), std::move(out));
  return {};
}

Status same_shape(Inference& in) {
  in.set(0, in.format(0), in.shape(0));
  return {};
}

/// Identity, and Dropout when it is not training: the mask is all true.
Status identity(Inference& in) {
  in.set_like(0, 0, in.known(0));
  in.set(1, Format::kBool, in.shape(0));
  return {};
}

Status negate(Inference& in) {
  auto known = in.known(0);
  for (size_t i = 0; known && i < known->size(); ++i) (*known)[i] = Dim(0) - (*known)[i];
  in.set(0, in.format(0), in.shape(0), std::move(known));
  return {};
}

Status logical_not(Inference& in) {
  auto known = in.known(0);
  for (size_t i = 0; known && i < known->size(); ++i) (*known)[i] = Dim(1) - (*known)[i];
  in.set(0, Format::kBool, in.shape(0), std::move(known));
  return {};
}

std::optional<Dim> cast_element(const Inference& in, const Dim& value, Format to) {
  const Range range = in.range(value);
  if (to == Format::kBool) {
    if (range.min > 0 || range.max < 0) return Dim(1);
    return range.min == 0 && range.max == 0 ? std::optional(Dim(0)) : std::nullopt;
  }
  if (to == Format::kI64) return value;
  if (to == Format::kI32) {
    const bool fits = range.min >= INT32_MIN && range.max <= INT32_MAX;
    return fits ? std::optional(value) : std::nullopt;
  }
  const bool exact = range.min >= -kExactFloat && range.max <= kExactFloat;
  return to == Format::kF32 && exact ? std::optional(value) : std::nullopt;
}

Status cast(Inference& in) {
  const Format to = TENWATT_TRY(format_attribute(in.node(), "to", in.format(0)));
  auto known = in.known(0);
  for (size_t i = 0; known && i < known->size(); ++i) {
    if (const auto value = cast_element(in, (*known)[i], to)) {
      (*known)[i] = *value;
    } else {
      known.reset();
    }
  }
  in.set(0, to, in.shape(0), std::move(known));
  return {};
}

/// Clip keeps what it can't change.
Status clip(Inference& in) {
  auto known = in.known(0);
  for (size_t i = 0; known && i < known->size(); ++i) {
    std::optional<Dim> value = (*known)[i];
    for (const size_t limit : {size_t{1}, size_t{2}}) {
      if (!value || !in.has(limit)) continue;
      const auto bound = in.known(limit);
      if (!bound || bound->size() != 1) {
        value.reset();
      } else {
        value = limit == 1 ? in.max(*value, (*bound)[0]) : in.min(*value, (*bound)[0]);
      }
    }
    if (value) {
      (*known)[i] = *value;
    } else {
      known.reset();
    }
  }
  in.set(0, in.format(0), in.shape(0), std::move(known));
  return {};
}

Status cast_like(Inference& in) {
  in.set(0, in.format(1), in.shape(0));
  return {};
}

/// The zero point gives the stored format; without one it is u8.
Status quantize(Inference& in) {
  const Format fallback = in.has(2) ? in.format(2) : Format::kU8;
  in.set(0, TENWATT_TRY(format_attribute(in.node(), "output_dtype", fallback)), in.shape(0));
  return {};
}

Status dequantize(Inference& in) {
  in.set(0, in.format(1), in.shape(0));
  return {};
}

Status random_like(Inference& in) {
  in.set(0, TENWATT_TRY(format_attribute(in.node(), "dtype", in.format(0))), in.shape(0));
  return {};
}

constexpr Schema kRows[] = {
    {"Abs", 1, 1, 1, same_shape},
    {"Add", 2, 2, 1, arithmetic<add>},
    {"And", 2, 2, 1, compare<both>},
    {"Cast", 1, 1, 1, cast},
    {"CastLike", 2, 2, 1, cast_like},
    {"Ceil", 1, 1, 1, same_shape},
    {"Clip", 1, 3, 1, clip},
    {"Cos", 1, 1, 1, same_shape},
    {"CumSum", 2, 2, 1, same_shape},
    {"DequantizeLinear", 2, 3, 1, dequantize},
    {"Div", 2, 2, 1, arithmetic<divide>},
    {"Dropout", 1, 3, 2, identity},
    {"Equal", 2, 2, 1, compare<equals>},
    {"Erf", 1, 1, 1, same_shape},
    {"Exp", 1, 1, 1, same_shape},
    {"Floor", 1, 1, 1, same_shape},
    {"Gelu", 1, 1, 1, same_shape},
    {"Greater", 2, 2, 1, compare<greater>},
    {"GreaterOrEqual", 2, 2, 1, compare<greater_or_equal>},
    {"Identity", 1, 1, 1, identity},
    {"LeakyRelu", 1, 1, 1, same_shape},
    {"Less", 2, 2, 1, compare<less>},
    {"LessOrEqual", 2, 2, 1, compare<less_or_equal>},
    {"Log", 1, 1, 1, same_shape},
    {"Max", 1, kAnyNumber, 1, extremum<&Inference::max>},
    {"Min", 1, kAnyNumber, 1, extremum<&Inference::min>},
    {"Mul", 2, 2, 1, arithmetic<multiply>},
    {"Neg", 1, 1, 1, negate},
    {"Not", 1, 1, 1, logical_not},
    {"Or", 2, 2, 1, compare<either>},
    {"Pow", 2, 2, 1, power},
    {"QuantizeLinear", 2, 3, 1, quantize},
    {"RandomNormalLike", 1, 1, 1, random_like},
    {"Reciprocal", 1, 1, 1, same_shape},
    {"Relu", 1, 1, 1, same_shape},
    {"Round", 1, 1, 1, same_shape},
    {"Sigmoid", 1, 1, 1, same_shape},
    {"Silu", 1, 1, 1, same_shape},
    {"Sin", 1, 1, 1, same_shape},
    {"Softmax", 1, 1, 1, same_shape},
    {"Softplus", 1, 1, 1, same_shape},
    {"Sqrt", 1, 1, 1, same_shape},
    {"Sub", 2, 2, 1, arithmetic<subtract>},
    {"Tanh", 1, 1, 1, same_shape},
    {"Where", 3, 3, 1, where},
    {"Xor", 2, 2, 1, compare<one_of>},
};

}  // namespace

std::span<const Schema> elementwise_schemas() { return kRows; }

}  // namespace tenwatt::graph
