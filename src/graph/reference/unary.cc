// Element by element on one tensor. Functions of the reals are computed in double and rounded once
// to the tensor's format.
#include <cmath>
#include <numbers>

#include "graph/reference/kernel.h"

namespace tenwatt::graph::reference {
namespace {

/// out[i] = fn(x[i]) in double; the format of x is kept.
template <class Fn>
Outputs map_reals(Inputs inputs, Fn fn) {
  const Tensor& x = *TENWATT_TRY(need(inputs, 0, "X"));
  Tensor result = TENWATT_TRY(Tensor::create(x.format(), x.shape()));
  TENWATT_TRY(with_float(x.format(), "X", [&]<class T>() -> Status {
    std::ranges::transform(x.values<T>(), result.mutable_values<T>().begin(),
                           [&](T value) { return narrow<T>(fn(static_cast<double>(value))); });
    return {};
  }));
  return one(std::move(result));
}

template <double (*kFunction)(double)>
Outputs real_function(const Node&, Inputs inputs, const ReferenceContext&) {
  return map_reals(inputs, kFunction);
}

double ceil(double x) { return std::ceil(x); }
double cosine(double x) { return std::cos(x); }
double error_function(double x) { return std::erf(x); }
double exponential(double x) { return std::exp(x); }
double floor(double x) { return std::floor(x); }
double logarithm(double x) { return std::log(x); }
double reciprocal(double x) { return 1 / x; }
double round_half_even(double x) { return std::nearbyint(x); }
double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double silu(double x) { return x / (1 + std::exp(-x)); }
double sine(double x) { return std::sin(x); }
double softplus(double x) { return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)); }
double square_root(double x) { return std::sqrt(x); }
double hyperbolic_tangent(double x) { return std::tanh(x); }

/// The Gaussian error linear unit (arXiv 1606.08415) and its tanh approximation.
double gelu(double x) { return 0.5 * x * (1 + std::erf(x / std::numbers::sqrt2)); }
double gelu_tanh(double x) {
  const double slope = std::sqrt(2 / std::numbers::pi);
  return 0.5 * x * (1 + std::tanh(slope * (x + 0.044715 * x * x * x)));
}

Outputs gelu_of_node(const Node& node, Inputs inputs, const ReferenceContext&) {
  std::string approximate = node.text("approximate", "none");
  if (approximate == "none") return map_reals(inputs, gelu);
  if (approximate == "tanh") return map_reals(inputs, gelu_tanh);
  return invalid("Gelu has no approximation '" + approximate + "'");
}

Outputs leaky_relu(const Node& node, Inputs inputs, const ReferenceContext&) {
  double alpha = node.real("alpha", 0.01F);
  return map_reals(inputs, [alpha](double x) { return x < 0 ? alpha * x : x; });
}

struct Negate {
  template <class W>
  static W apply(W x) {
    if constexpr (std::is_floating_point_v<W>) {
      return -x;
    } else {
      return static_cast<W>(uint64_t{0} - static_cast<uint64_t>(x));
    }
  }
};
struct Absolute {
  template <class W>
  static W apply(W x) {
    if constexpr (std::is_floating_point_v<W>) {
      return std::abs(x);
    } else {
      return x < 0 ? Negate::apply(x) : x;
    }
  }
};
struct Relu {
  template <class W>
  static W apply(W x) {
    return x < 0 ? W(0) : x;
  }
};

template <class Op>
Outputs number_function(const Node&, Inputs inputs, const ReferenceContext&) {
  const Tensor& x = *TENWATT_TRY(need(inputs, 0, "X"));
  Tensor result = TENWATT_TRY(Tensor::create(x.format(), x.shape()));
  TENWATT_TRY(with_number(x.format(), "X", [&]<class T>() -> Status {
    std::ranges::transform(x.values<T>(), result.mutable_values<T>().begin(),
                           [](T value) { return T(Op::apply(Work<T>(value))); });
    return {};
  }));
  return one(std::move(result));
}

Outputs logical_not(const Node&, Inputs inputs, const ReferenceContext&) {
  const Tensor& x = *TENWATT_TRY(need_format(inputs, 0, "X", Format::kBool));
  Tensor result = TENWATT_TRY(Tensor::create(Format::kBool, x.shape()));
  std::ranges::transform(x.values<Truth>(), result.mutable_values<Truth>().begin(),
                         [](Truth value) { return Truth(!value); });
  return one(std::move(result));
}

}  // namespace

std::span<const Entry> unary_kernels() {
  static constexpr Entry kEntries[] = {
      {"Abs", number_function<Absolute>},
      {"Ceil", real_function<ceil>},
      {"Cos", real_function<cosine>},
      {"Erf", real_function<error_function>},
      {"Exp", real_function<exponential>},
      {"Floor", real_function<floor>},
      {"Gelu", gelu_of_node},
      {"LeakyRelu", leaky_relu},
      {"Log", real_function<logarithm>},
      {"Neg", number_function<Negate>},
      {"Not", logical_not},
      {"Reciprocal", real_function<reciprocal>},
      {"Relu", number_function<Relu>},
      {"Round", real_function<round_half_even>},
      {"Sigmoid", real_function<sigmoid>},
      {"Silu", real_function<silu>},
      {"Sin", real_function<sine>},
      {"Softplus", real_function<softplus>},
      {"Sqrt", real_function<square_root>},
      {"Tanh", real_function<hyperbolic_tangent>},
  };
  return kEntries;
}

}  // namespace tenwatt::graph::reference
