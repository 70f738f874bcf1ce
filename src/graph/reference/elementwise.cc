// Element by element on two or more tensors that broadcast: arithmetic, comparison, logic, choice.
//
// Float arithmetic happens in the format's own precision (16-bit formats in f32), so each result is
// rounded once. Integers wrap. Integer division truncates; dividing by zero is an error.
#include <cmath>

#include "graph/reference/kernel.h"

namespace tenwatt::graph::reference {
namespace {

/// out[i] = fn(a[i], b[i]) over the shape that both broadcast to.
template <class In, class Out, class Fn>
Result<Tensor> map_pairs(const Tensor& a, const Tensor& b, Format format, Fn fn) {
  Shape shape = TENWATT_TRY(broadcast(a.shape(), b.shape()));
  Tensor result = TENWATT_TRY(Tensor::create(format, shape));
  Walk<3> space{shape,
                {strides_of(shape), broadcast_strides(a.shape(), shape),
                 broadcast_strides(b.shape(), shape)}};
  Out* to = result.mutable_values<Out>().data();
  const In* left = a.values<In>().data();
  const In* right = b.values<In>().data();
  walk_rows(space, [&](const auto& offsets, const auto& steps, int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
      to[offsets[0] + i * steps[0]] = Out(fn(Work<In>(left[offsets[1] + i * steps[1]]),
                                             Work<In>(right[offsets[2] + i * steps[2]])));
    }
  });
  return result;
}

/// Applies an operation that wraps for integers.
template <class W, class Fn>
W wrapping(W a, W b, Fn fn) {
  if constexpr (std::is_floating_point_v<W>) {
    return fn(a, b);
  } else {
    return static_cast<W>(fn(static_cast<uint64_t>(a), static_cast<uint64_t>(b)));
  }
}

struct Add {
  template <class W>
  static W apply(W a, W b) {
    return wrapping(a, b, [](auto x, auto y) { return x + y; });
  }
};
struct Sub {
  template <class W>
  static W apply(W a, W b) {
    return wrapping(a, b, [](auto x, auto y) { return x - y; });
  }
};
struct Mul {
  template <class W>
  static W apply(W a, W b) {
    return wrapping(a, b, [](auto x, auto y) { return x * y; });
  }
};
struct Div {
  template <class W>
  static W apply(W a, W b) {
    if constexpr (std::is_signed_v<W> && std::is_integral_v<W>) {
      if (b == -1) return Sub::apply(W(0), a);  // the lowest value has no negative
    }
    return static_cast<W>(a / b);
  }
};
struct Min {
  template <class W>
  static W apply(W a, W b) {
    return a != a || a < b ? a : b;  // NaN if either is
  }
};
struct Max {
  template <class W>
  static W apply(W a, W b) {
    return a != a || a > b ? a : b;
  }
};

template <class Op>
Result<Tensor> combine(const Tensor& a, const Tensor& b) {
  if (a.format() != b.format()) return wrong_format("B", b.format());
  return with_number(a.format(), "A", [&]<class T>() -> Result<Tensor> {
    if constexpr (std::is_same_v<Op, Div> && std::is_integral_v<T>) {
      if (std::ranges::find(b.values<T>(), T(0)) != b.values<T>().end()) {
        return invalid("division by zero");
      }
    }
    return map_pairs<T, T>(a, b, a.format(), [](Work<T> x, Work<T> y) { return Op::apply(x, y); });
  });
}

template <class Op>
Outputs arithmetic(const Node&, Inputs inputs, const ReferenceContext&) {
  const Tensor* a = TENWATT_TRY(need(inputs, 0, "A"));
  const Tensor* b = TENWATT_TRY(need(inputs, 1, "B"));
  return one(TENWATT_TRY(combine<Op>(*a, *b)));
}

template <class Op>
Outputs variadic(const Node&, Inputs inputs, const ReferenceContext&) {
  Tensor result = *TENWATT_TRY(need(inputs, 0, "data_0"));
  for (size_t i = 1; i < inputs.size(); ++i) {
    const Tensor* next = TENWATT_TRY(need(inputs, i, "data"));
    result = TENWATT_TRY(combine<Op>(result, *next));
  }
  return one(std::move(result));
}

/// base^exponent for integers, wrapping, by repeated squaring.
template <class T>
T integer_power(T base, uint64_t exponent) {
  uint64_t result = 1;
  for (uint64_t square = static_cast<uint64_t>(base); exponent != 0; exponent >>= 1) {
    if ((exponent & 1) != 0) result *= square;
    square *= square;
  }
  return static_cast<T>(result);
}

template <class T>
T power(T base, double exponent) {
  if constexpr (std::is_integral_v<T>) {
    if (exponent >= 0 && exponent < 0x1p53 && exponent == std::floor(exponent)) {
      return integer_power(base, static_cast<uint64_t>(exponent));
    }
  }
  return saturated<T>(std::pow(static_cast<double>(base), exponent));
}

/// The exponent may be of another format than the base, whose format the result has.
Outputs pow(const Node&, Inputs inputs, const ReferenceContext&) {
  const Tensor& base = *TENWATT_TRY(need(inputs, 0, "X"));
  const Tensor& exponent = *TENWATT_TRY(need(inputs, 1, "Y"));
  std::vector<double> exponents = TENWATT_TRY(doubles_of(exponent, "Y"));
  Shape shape = TENWATT_TRY(broadcast(base.shape(), exponent.shape()));
  Tensor result = TENWATT_TRY(Tensor::create(base.format(), shape));
  Walk<3> space{shape,
                {strides_of(shape), broadcast_strides(base.shape(), shape),
                 broadcast_strides(exponent.shape(), shape)}};
  TENWATT_TRY(with_number(base.format(), "X", [&]<class T>() -> Status {
    T* to = result.mutable_values<T>().data();
    const T* from = base.values<T>().data();
    walk_rows(space, [&](const auto& offsets, const auto& steps, int64_t count) {
      for (int64_t i = 0; i < count; ++i) {
        to[offsets[0] + i * steps[0]] =
            power(from[offsets[1] + i * steps[1]],
                  exponents[static_cast<size_t>(offsets[2] + i * steps[2])]);
      }
    });
    return {};
  }));
  return one(std::move(result));
}

struct Equal {
  static bool apply(auto a, auto b) { return a == b; }
};
struct Less {
  static bool apply(auto a, auto b) { return a < b; }
};
struct LessOrEqual {
  static bool apply(auto a, auto b) { return a <= b; }
};
struct Greater {
  static bool apply(auto a, auto b) { return a > b; }
};
struct GreaterOrEqual {
  static bool apply(auto a, auto b) { return a >= b; }
};

template <class Op>
Outputs compare(const Node&, Inputs inputs, const ReferenceContext&) {
  const Tensor& a = *TENWATT_TRY(need(inputs, 0, "A"));
  const Tensor& b = *TENWATT_TRY(need_format(inputs, 1, "B", a.format()));
  Result<Tensor> result = with_scalar(a.format(), "A", [&]<class T>() {
    return map_pairs<T, Truth>(a, b, Format::kBool,
                               [](Work<T> x, Work<T> y) { return Op::apply(x, y); });
  });
  return one(TENWATT_TRY(std::move(result)));
}

struct And {
  static bool apply(bool a, bool b) { return a && b; }
};
struct Or {
  static bool apply(bool a, bool b) { return a || b; }
};
struct Xor {
  static bool apply(bool a, bool b) { return a != b; }
};

template <class Op>
Outputs logic(const Node&, Inputs inputs, const ReferenceContext&) {
  const Tensor& a = *TENWATT_TRY(need_format(inputs, 0, "A", Format::kBool));
  const Tensor& b = *TENWATT_TRY(need_format(inputs, 1, "B", Format::kBool));
  return one(TENWATT_TRY(map_pairs<Truth, Truth>(a, b, Format::kBool, Op::apply)));
}

template <class Word>
void choose(const Walk<4>& space, Tensor& result, const Tensor& condition, const Tensor& x,
            const Tensor& y) {
  Word* to = result.mutable_values<Word>().data();
  const Truth* decide = condition.values<Truth>().data();
  const Word* yes = x.values<Word>().data();
  const Word* no = y.values<Word>().data();
  walk_rows(space, [&](const auto& offsets, const auto& steps, int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
      to[offsets[0] + i * steps[0]] = decide[offsets[1] + i * steps[1]]
                                          ? yes[offsets[2] + i * steps[2]]
                                          : no[offsets[3] + i * steps[3]];
    }
  });
}

Outputs where(const Node&, Inputs inputs, const ReferenceContext&) {
  const Tensor& condition = *TENWATT_TRY(need_format(inputs, 0, "condition", Format::kBool));
  const Tensor& x = *TENWATT_TRY(need(inputs, 1, "X"));
  const Tensor& y = *TENWATT_TRY(need_format(inputs, 2, "Y", x.format()));
  size_t bytes = TENWATT_TRY(element_bytes(x));
  Shape shape = TENWATT_TRY(broadcast(x.shape(), y.shape()));
  shape = TENWATT_TRY(broadcast(shape, condition.shape()));
  Tensor result = TENWATT_TRY(Tensor::create(x.format(), shape));
  Walk<4> space{shape,
                {strides_of(shape), broadcast_strides(condition.shape(), shape),
                 broadcast_strides(x.shape(), shape), broadcast_strides(y.shape(), shape)}};
  switch (bytes) {
    case 1:
      choose<uint8_t>(space, result, condition, x, y);
      break;
    case 2:
      choose<uint16_t>(space, result, condition, x, y);
      break;
    case 4:
      choose<uint32_t>(space, result, condition, x, y);
      break;
    default:
      choose<uint64_t>(space, result, condition, x, y);
      break;
  }
  return one(std::move(result));
}

/// min(max(x, low), high): where the bounds cross, all elements are `high`.
Outputs clip(const Node&, Inputs inputs, const ReferenceContext&) {
  Tensor result = *TENWATT_TRY(need(inputs, 0, "input"));
  if (const Tensor* low = maybe(inputs, 1)) {
    if (low->count() != 1) return invalid("min must be a scalar");
    result = TENWATT_TRY(combine<Max>(result, TENWATT_TRY(low->reshaped({}))));
  }
  if (const Tensor* high = maybe(inputs, 2)) {
    if (high->count() != 1) return invalid("max must be a scalar");
    result = TENWATT_TRY(combine<Min>(result, TENWATT_TRY(high->reshaped({}))));
  }
  return one(std::move(result));
}

}  // namespace

std::span<const Entry> elementwise_kernels() {
  static constexpr Entry kEntries[] = {
      {"Add", arithmetic<Add>},
      {"And", logic<And>},
      {"Clip", clip},
      {"Div", arithmetic<Div>},
      {"Equal", compare<Equal>},
      {"Greater", compare<Greater>},
      {"GreaterOrEqual", compare<GreaterOrEqual>},
      {"Less", compare<Less>},
      {"LessOrEqual", compare<LessOrEqual>},
      {"Max", variadic<Max>},
      {"Min", variadic<Min>},
      {"Mul", arithmetic<Mul>},
      {"Or", logic<Or>},
      {"Pow", pow},
      {"Sub", arithmetic<Sub>},
      {"Where", where},
      {"Xor", logic<Xor>},
  };
  return kEntries;
}

}  // namespace tenwatt::graph::reference
