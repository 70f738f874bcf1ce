// LSTM (Hochreiter and Schmidhuber 1997, with peepholes), by the equations of ONNX's LSTM, in
// double throughout.
#include <cmath>

#include "graph/reference/kernel.h"

namespace tenwatt::graph::reference {
namespace {

using Doubles = std::vector<double>;

/// A gate's non-linearity with its parameters.
struct Activation {
  double (*function)(double x, double alpha, double beta) = nullptr;
  double alpha = 0;
  double beta = 0;
  double operator()(double x) const { return function(x, alpha, beta); }
};

/// One row of the table of activations: how many parameters it takes, and their defaults.
struct ActivationEntry {
  std::string_view name;
  int parameters;
  Activation activation;
};

constexpr ActivationEntry kActivations[] = {
    {"affine", 2, {[](double x, double a, double b) { return a * x + b; }, 1, 0}},
    {"elu", 1, {[](double x, double a, double) { return x < 0 ? a * std::expm1(x) : x; }, 1, 0}},
    {"hardsigmoid",
     2,
     {[](double x, double a, double b) { return std::clamp(a * x + b, 0.0, 1.0); }, 0.2, 0.5}},
    {"leakyrelu", 1, {[](double x, double a, double) { return x < 0 ? a * x : x; }, 0.01, 0}},
    {"relu", 0, {[](double x, double, double) { return std::max(x, 0.0); }, 0, 0}},
    {"scaledtanh", 2, {[](double x, double a, double b) { return a * std::tanh(b * x); }, 1, 1}},
    {"sigmoid", 0, {[](double x, double, double) { return 1 / (1 + std::exp(-x)); }, 0, 0}},
    {"softplus", 0, {[](double x, double, double) { return std::log1p(std::exp(x)); }, 0, 0}},
    {"softsign", 0, {[](double x, double, double) { return x / (1 + std::abs(x)); }, 0, 0}},
    {"tanh", 0, {[](double x, double, double) { return std::tanh(x); }, 0, 0}},
    {"thresholdedrelu", 1, {[](double x, double a, double) { return x > a ? x : 0; }, 1, 0}},
};

/// f (gates), g (cell input) and h (output) of one direction.
struct Activations {
  Activation f;
  Activation g;
  Activation h;
};

Result<std::vector<std::string>> strings_of(const Node& node, std::string_view key) {
  const Attribute* attribute = node.attribute(key);
  if (attribute == nullptr) return std::vector<std::string>{};
  const auto* list = std::get_if<std::vector<std::string>>(attribute);
  if (list == nullptr) return invalid("'" + std::string(key) + "' is not a list of names");
  return *list;
}

Result<std::vector<float>> reals_of(const Node& node, std::string_view key) {
  const Attribute* attribute = node.attribute(key);
  if (attribute == nullptr) return std::vector<float>{};
  const auto* list = std::get_if<std::vector<float>>(attribute);
  if (list == nullptr) return invalid("'" + std::string(key) + "' is not a list of numbers");
  return *list;
}

/// Activations by name; those that take parameters consume them from the lists in order.
Result<std::vector<Activations>> activations_of(const Node& node, size_t directions) {
  std::vector<std::string> names = TENWATT_TRY(strings_of(node, "activations"));
  std::vector<float> alphas = TENWATT_TRY(reals_of(node, "activation_alpha"));
  std::vector<float> betas = TENWATT_TRY(reals_of(node, "activation_beta"));
  if (names.empty()) {
    for (size_t d = 0; d < directions; ++d) names.insert(names.end(), {"Sigmoid", "Tanh", "Tanh"});
  }
  if (names.size() != 3 * directions) return invalid("activations needs three per direction");
  std::vector<Activation> chosen;
  size_t alpha = 0;
  size_t beta = 0;
  for (std::string name : names) {
    std::ranges::transform(name, name.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    auto entry = std::ranges::find(kActivations, name, &ActivationEntry::name);
    if (entry == std::end(kActivations)) return invalid("no activation '" + name + "'");
    chosen.push_back(entry->activation);
    if (entry->parameters > 0 && alpha < alphas.size()) chosen.back().alpha = alphas[alpha++];
    if (entry->parameters > 1 && beta < betas.size()) chosen.back().beta = betas[beta++];
  }
  std::vector<Activations> all;
  for (size_t d = 0; d < directions; ++d) {
    all.push_back({chosen[3 * d], chosen[3 * d + 1], chosen[3 * d + 2]});
  }
  return all;
}

/// Extents, weights and states, all in the layout of `layout` 0.
struct Lstm {
  int64_t steps = 0;
  int64_t batch = 0;
  int64_t input = 0;
  int64_t hidden = 0;
  int64_t directions = 1;
  bool starts_reversed = false;  ///< direction 0 runs from the last step to the first
  bool input_forget = false;     ///< the forget gate is one minus the input gate
  double clip = 0;               ///< of what enters the gates; 0: none
  std::vector<Activations> activations;
  Doubles x;         ///< [steps, batch, input]
  Doubles w;         ///< [directions, 4 hidden, input], gates i, o, f, c
  Doubles r;         ///< [directions, 4 hidden, hidden]
  Doubles b;         ///< [directions, 8 hidden]
  Doubles p;         ///< [directions, 3 hidden], gates i, o, f
  Doubles h;         ///< [directions, batch, hidden]
  Doubles c;         ///< [directions, batch, hidden]
  Doubles y;         ///< [steps, directions, batch, hidden]
  Integers lengths;  ///< steps of each sequence

  double clipped(double value) const { return clip > 0 ? std::clamp(value, -clip, clip) : value; }
};

double dot(const double* a, const double* b, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += a[i] * b[i];
  return sum;
}

/// Gate inputs x W^T + h R^T + biases of one sequence: [4 hidden].
Doubles gate_inputs(const Lstm& lstm, int64_t direction, const double* x, const double* h) {
  int64_t gates = 4 * lstm.hidden;
  const double* w = lstm.w.data() + direction * gates * lstm.input;
  const double* r = lstm.r.data() + direction * gates * lstm.hidden;
  const double* b = lstm.b.data() + direction * 2 * gates;
  Doubles sums(static_cast<size_t>(gates));
  for (int64_t g = 0; g < gates; ++g) {
    sums[static_cast<size_t>(g)] = dot(w + g * lstm.input, x, lstm.input) +
                                   dot(r + g * lstm.hidden, h, lstm.hidden) + b[g] + b[gates + g];
  }
  return sums;
}

/// One step of one sequence: replaces h and c.
void step(const Lstm& lstm, int64_t direction, const double* x, double* h, double* c) {
  const auto& [f, g, out] = lstm.activations[static_cast<size_t>(direction)];
  const double* p = lstm.p.data() + direction * 3 * lstm.hidden;
  Doubles sums = gate_inputs(lstm, direction, x, h);
  int64_t n = lstm.hidden;
  for (int64_t i = 0; i < n; ++i) {
    const double* sum = sums.data() + i;
    double input = f(lstm.clipped(sum[0] + p[i] * c[i]));
    double forget =
        lstm.input_forget ? 1 - input : f(lstm.clipped(sum[2 * n] + p[2 * n + i] * c[i]));
    double cell = forget * c[i] + input * g(lstm.clipped(sum[3 * n]));
    double output = f(lstm.clipped(sum[n] + p[n + i] * cell));
    c[i] = cell;
    h[i] = output * out(cell);
  }
}

void run(Lstm& lstm) {
  for (int64_t d = 0; d < lstm.directions; ++d) {
    bool reversed = d == 1 || lstm.starts_reversed;
    for (int64_t n = 0; n < lstm.batch; ++n) {
      int64_t length = lstm.lengths[static_cast<size_t>(n)];
      int64_t state = (d * lstm.batch + n) * lstm.hidden;
      for (int64_t s = 0; s < length; ++s) {
        int64_t t = reversed ? length - 1 - s : s;
        step(lstm, d, lstm.x.data() + (t * lstm.batch + n) * lstm.input, lstm.h.data() + state,
             lstm.c.data() + state);
        std::copy_n(lstm.h.data() + state, lstm.hidden,
                    lstm.y.data() + ((t * lstm.directions + d) * lstm.batch + n) * lstm.hidden);
      }
    }
  }
}

/// `values` of the shape [first, second, rest...] with the two leading axes exchanged.
Doubles exchanged(const Doubles& values, int64_t first, int64_t second, int64_t rest) {
  Doubles to(values.size());
  for (int64_t i = 0; i < first; ++i) {
    for (int64_t j = 0; j < second; ++j) {
      std::copy_n(values.data() + (i * second + j) * rest, rest,
                  to.data() + (j * first + i) * rest);
    }
  }
  return to;
}

/// An input of exactly this shape, or zeros where it is absent.
Result<Doubles> values_of(Inputs inputs, size_t index, std::string_view name,
                          const Shape& expected) {
  const Tensor* tensor = maybe(inputs, index);
  if (tensor == nullptr) return Doubles(static_cast<size_t>(elements(expected)), 0.0);
  if (tensor->shape() != expected) {
    return invalid(std::string(name) + " is " + to_string(tensor->shape()) + ", not " +
                   to_string(expected));
  }
  return doubles_of(*tensor, name);
}

Result<Integers> lengths_of(Inputs inputs, const Lstm& lstm) {
  const Tensor* tensor = maybe(inputs, 4);
  if (tensor == nullptr) return Integers(static_cast<size_t>(lstm.batch), lstm.steps);
  Integers lengths = TENWATT_TRY(integers_of(*tensor, "sequence_lens"));
  if (std::ssize(lengths) != lstm.batch) return invalid("sequence_lens needs one per sequence");
  for (int64_t length : lengths) {
    if (length < 0 || length > lstm.steps) return invalid("sequence_lens out of bounds");
  }
  return lengths;
}

/// Extents and attributes.
Result<Lstm> outline(const Node& node, Inputs inputs) {
  const Tensor& x = *TENWATT_TRY(need(inputs, 0, "X"));
  const Tensor& r = *TENWATT_TRY(need(inputs, 2, "R"));
  if (x.rank() != 3 || r.rank() != 3) return invalid("X and R need three axes");
  Lstm lstm;
  bool batch_first = node.integer("layout", 0) != 0;
  lstm.steps = x.shape()[batch_first ? 1 : 0];
  lstm.batch = x.shape()[batch_first ? 0 : 1];
  lstm.input = x.shape()[2];
  lstm.hidden = r.shape()[2];
  std::string direction = node.text("direction", "forward");
  if (direction != "forward" && direction != "reverse" && direction != "bidirectional") {
    return invalid("no direction '" + direction + "'");
  }
  lstm.directions = direction == "bidirectional" ? 2 : 1;
  lstm.starts_reversed = direction == "reverse";
  lstm.input_forget = node.integer("input_forget", 0) != 0;
  lstm.clip = node.real("clip", 0);
  lstm.activations = TENWATT_TRY(activations_of(node, static_cast<size_t>(lstm.directions)));
  lstm.lengths = TENWATT_TRY(lengths_of(inputs, lstm));
  return lstm;
}

Result<Lstm> load(const Node& node, Inputs inputs) {
  Lstm lstm = TENWATT_TRY(outline(node, inputs));
  TENWATT_TRY(need(inputs, 1, "W"));
  int64_t d = lstm.directions;
  int64_t n = lstm.hidden;
  bool batch_first = node.integer("layout", 0) != 0;
  Shape state = batch_first ? Shape{lstm.batch, d, n} : Shape{d, lstm.batch, n};
  lstm.x = TENWATT_TRY(doubles_of(*maybe(inputs, 0), "X"));
  lstm.w = TENWATT_TRY(values_of(inputs, 1, "W", {d, 4 * n, lstm.input}));
  lstm.r = TENWATT_TRY(values_of(inputs, 2, "R", {d, 4 * n, n}));
  lstm.b = TENWATT_TRY(values_of(inputs, 3, "B", {d, 8 * n}));
  lstm.h = TENWATT_TRY(values_of(inputs, 5, "initial_h", state));
  lstm.c = TENWATT_TRY(values_of(inputs, 6, "initial_c", state));
  lstm.p = TENWATT_TRY(values_of(inputs, 7, "P", {d, 3 * n}));
  if (batch_first) {
    lstm.x = exchanged(lstm.x, lstm.batch, lstm.steps, lstm.input);
    lstm.h = exchanged(lstm.h, lstm.batch, d, n);
    lstm.c = exchanged(lstm.c, lstm.batch, d, n);
  }
  Shape outputs{lstm.steps, d, lstm.batch, n};
  lstm.y.assign(static_cast<size_t>(TENWATT_TRY(checked_elements(outputs))), 0.0);
  return lstm;
}

Result<Tensor> stored(const Doubles& values, Format format, Shape shape) {
  Tensor tensor = TENWATT_TRY(Tensor::create(format, std::move(shape)));
  TENWATT_TRY(with_float(format, "X", [&]<class T>() -> Status {
    std::ranges::transform(values, tensor.mutable_values<T>().begin(), narrow<T>);
    return {};
  }));
  return tensor;
}

Outputs lstm(const Node& node, Inputs inputs, const ReferenceContext&) {
  Lstm lstm = TENWATT_TRY(load(node, inputs));
  run(lstm);
  Format format = inputs[0]->format();
  int64_t d = lstm.directions;
  int64_t n = lstm.hidden;
  Shape y{lstm.steps, d, lstm.batch, n};
  Shape state{d, lstm.batch, n};
  if (node.integer("layout", 0) != 0) {
    // [steps, directions, batch, hidden] -> [batch, steps, directions, hidden]
    lstm.y = exchanged(lstm.y, lstm.steps * d, lstm.batch, n);
    lstm.h = exchanged(lstm.h, d, lstm.batch, n);
    lstm.c = exchanged(lstm.c, d, lstm.batch, n);
    y = {lstm.batch, lstm.steps, d, n};
    state = {lstm.batch, d, n};
  }
  std::vector<Tensor> results = one(TENWATT_TRY(stored(lstm.y, format, y)));
  results.push_back(TENWATT_TRY(stored(lstm.h, format, state)));
  results.push_back(TENWATT_TRY(stored(lstm.c, format, state)));
  return results;
}

}  // namespace

std::span<const Entry> recurrent_kernels() {
  static constexpr Entry kEntries[] = {{"LSTM", lstm}};
  return kEntries;
}

}  // namespace tenwatt::graph::reference
