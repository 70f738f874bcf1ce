// LSTM with everything ONNX allows: activations, peepholes, clipping, sequence lengths, either
// layout, computed weights. Sequences run one after the other, each on one member; the common form
// is in lower/recurrent.cc.
#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

#include "devices/cpu/arena.h"
#include "devices/cpu/lower/recurrent_any.h"
#include "devices/cpu/lower/typed.h"

namespace tenwatt::cpu {
namespace {

using graph::kNoValue;
using graph::ValueId;

constexpr float kNone = std::numeric_limits<float>::infinity();

/// One row of ONNX's activations: how many of alpha and beta it takes, and their defaults.
struct ActivationRow {
  std::string_view name;
  int parameters;
  float alpha;
  float beta;
  GateFunction::Kind kind;
  Unary op;
};
using Kind = GateFunction::Kind;
constexpr ActivationRow kActivations[] = {
    {"affine", 2, 1, 0, Kind::kUnary, Unary::kLinear},
    {"elu", 1, 1, 0, Kind::kUnary, Unary::kElu},
    {"hardsigmoid", 2, 0.2f, 0.5f, Kind::kUnary, Unary::kHardSigmoid},
    {"leakyrelu", 1, 0.01f, 0, Kind::kUnary, Unary::kLeakyRelu},
    {"relu", 0, 0, 0, Kind::kUnary, Unary::kRelu},
    {"scaledtanh", 2, 1, 1, Kind::kUnary, Unary::kTanh},
    {"sigmoid", 0, 0, 0, Kind::kUnary, Unary::kSigmoid},
    {"softplus", 0, 0, 0, Kind::kUnary, Unary::kSoftplus},
    {"softsign", 0, 0, 0, Kind::kSoftsign, Unary::kIdentity},
    {"tanh", 0, 0, 0, Kind::kUnary, Unary::kTanh},
    {"thresholdedrelu", 1, 1, 0, Kind::kThresholdedRelu, Unary::kIdentity},
};

template <class T>
std::vector<T> list_of(const graph::Node& node, std::string_view key) {
  const graph::Attribute* attribute = node.attribute(key);
  const auto* list = attribute ? std::get_if<std::vector<T>>(attribute) : nullptr;
  return list ? *list : std::vector<T>();
}

/// f, g and h of every direction; those that take parameters consume them from the lists in order.
std::optional<std::vector<GateFunction>> functions_of(const graph::Node& node, size_t directions) {
  auto names = list_of<std::string>(node, "activations");
  const auto alphas = list_of<float>(node, "activation_alpha");
  const auto betas = list_of<float>(node, "activation_beta");
  for (size_t d = 0; names.size() < 3 * directions && d < directions; ++d) {
    names.insert(names.end(), {"Sigmoid", "Tanh", "Tanh"});
  }
  if (names.size() != 3 * directions) return std::nullopt;
  std::vector<GateFunction> functions;
  size_t alpha = 0;
  size_t beta = 0;
  for (std::string name : names) {
    std::ranges::transform(name, name.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    const auto* row = std::ranges::find(kActivations, name, &ActivationRow::name);
    if (row == std::end(kActivations)) return std::nullopt;
    GateFunction function{row->kind, row->op, row->alpha, row->beta, 1, 1};
    if (row->parameters > 0 && alpha < alphas.size()) function.alpha = alphas[alpha++];
    if (row->parameters > 1 && beta < betas.size()) function.beta = betas[beta++];
    if (name == "scaledtanh") {  // alpha * tanh(beta * x)
      function.scale = function.alpha;
      function.slope = function.beta;
    }
    functions.push_back(function);
  }
  return functions;
}

struct AnyLstm {
  const KernelTable* kernels;
  ValueId x, w, r, bias, lengths, h0, c0, peephole, y, y_h, y_c;
  int64_t times, batch, input, hidden, directions;
  bool first_is_reverse;
  bool batch_first;
  float clip;
  LstmAnyCell::Forget forget;
  std::vector<GateFunction> functions;  ///< f, g, h of each direction

  int64_t gates() const { return 4 * hidden; }
  /// Of one sequence in one direction: gates of one step, products of its inputs, summed biases, c
  /// and h.
  size_t scratch_floats() const {
    return static_cast<size_t>(gates() * (times + 2) + 2 * hidden) + matmul_scratch();
  }
  size_t matmul_scratch() const { return matmul_scratch_floats(std::max(input, hidden)); }
  /// Where the state of a sequence lies in initial and final states, and a step's output in Y.
  int64_t state_at(int64_t d, int64_t n) const {
    return (batch_first ? n * directions + d : d * batch + n) * hidden;
  }
  int64_t y_at(int64_t t, int64_t d, int64_t n) const {
    return (batch_first ? (n * times + t) * directions + d : (t * directions + d) * batch + n) *
           hidden;
  }
};

const float* or_null(const StepContext& context, ValueId id, int64_t at) {
  return id == kNoValue ? nullptr : context.at<const float>(id) + at;
}

void copy_or_zero(float* to, const float* from, int64_t n) {
  const size_t bytes = static_cast<size_t>(n) * sizeof(float);
  if (from) {
    std::memcpy(to, from, bytes);
  } else {
    std::memset(to, 0, bytes);
  }
}

/// One sequence in one direction.
void run_sequence(const AnyLstm& lstm, const StepContext& context, int64_t d, int64_t n) {
  const int64_t gates = lstm.gates();
  const int64_t hidden = lstm.hidden;
  auto* scratch = reinterpret_cast<float*>(context.member_scratch);
  float* products = scratch + lstm.matmul_scratch();  // [times, gates]
  float* sums = products + lstm.times * gates;
  float* bias = sums + gates;
  float* c = bias + gates;
  float* h = c + hidden;
  copy_or_zero(h, or_null(context, lstm.h0, lstm.state_at(d, n)), hidden);
  copy_or_zero(c, or_null(context, lstm.c0, lstm.state_at(d, n)), hidden);
  copy_or_zero(bias, or_null(context, lstm.bias, d * 2 * gates), gates);
  if (lstm.bias != kNoValue) {
    lstm.kernels->binary(Binary::kAdd, bias, or_null(context, lstm.bias, (d * 2 + 1) * gates), bias,
                         gates, Spread::kNone);
  }
  const int64_t x_row = lstm.batch_first ? lstm.input : lstm.batch * lstm.input;
  const int64_t x_at = (lstm.batch_first ? n * lstm.times : n) * lstm.input;
  multiply(*lstm.kernels,
           {Element::kF32, context.at<const float>(lstm.x) + x_at, x_row, 1,
            context.at<const float>(lstm.w) + d * gates * lstm.input, 1, lstm.input, products,
            gates, lstm.times, gates, lstm.input},
           scratch);
  const int64_t length =
      lstm.lengths == kNoValue ? lstm.times : context.at<const int32_t>(lstm.lengths)[n];
  const bool reverse = d == 1 || lstm.first_is_reverse;
  const GateFunction* functions = lstm.functions.data() + 3 * d;
  for (int64_t i = 0; i < length; ++i) {
    const int64_t t = reverse ? length - 1 - i : i;
    multiply(*lstm.kernels,
             {Element::kF32, h, hidden, 1, context.at<const float>(lstm.r) + d * gates * hidden, 1,
              hidden, sums, gates, 1, gates, hidden},
             scratch);
    lstm.kernels->binary(Binary::kAdd, sums, products + t * gates, sums, gates, Spread::kNone);
    lstm.kernels->binary(Binary::kAdd, sums, bias, sums, gates, Spread::kNone);
    lstm.kernels->lstm_any_cell({sums, or_null(context, lstm.peephole, d * 3 * hidden), c, c, h,
                                 hidden, lstm.clip, lstm.forget, functions[0], functions[1],
                                 functions[2]});
    if (lstm.y != kNoValue) {
      copy_or_zero(context.at<float>(lstm.y) + lstm.y_at(t, d, n), h, hidden);
    }
  }
  for (int64_t t = length; lstm.y != kNoValue && t < lstm.times; ++t) {
    copy_or_zero(context.at<float>(lstm.y) + lstm.y_at(t, d, n), nullptr, hidden);
  }
  if (lstm.y_h != kNoValue) {
    copy_or_zero(context.at<float>(lstm.y_h) + lstm.state_at(d, n), h, hidden);
  }
  if (lstm.y_c != kNoValue) {
    copy_or_zero(context.at<float>(lstm.y_c) + lstm.state_at(d, n), c, hidden);
  }
}

bool lengths_fit(const AnyLstm& lstm, const StepContext& context) {
  if (lstm.lengths == kNoValue) return true;
  const auto* lengths = context.at<const int32_t>(lstm.lengths);
  return std::all_of(lengths, lengths + lstm.batch,
                     [&](int32_t length) { return length >= 0 && length <= lstm.times; });
}

/// Inputs that are there must be f32 (lengths i32) of exactly these shapes.
bool inputs_fit(const LowerInput& input, const AnyLstm& lstm) {
  const int64_t d = lstm.directions;
  const int64_t n = lstm.hidden;
  const Shape state = lstm.batch_first ? Shape{lstm.batch, d, n} : Shape{d, lstm.batch, n};
  const Shape shapes[] = {input.in_shape(0),
                          {d, 4 * n, lstm.input},
                          {d, 4 * n, n},
                          {d, 8 * n},
                          {lstm.batch},
                          state,
                          state,
                          {d, 3 * n}};
  for (size_t i = 0; i < std::size(shapes); ++i) {
    if (!input.has(i)) continue;
    const Format wanted = i == 4 ? Format::kI32 : Format::kF32;
    if (input.in_format(i) != wanted || input.in_shape(i) != shapes[i]) return false;
  }
  return true;
}

}  // namespace

Result<std::optional<Lowered>> lower_any_lstm(const LowerInput& input) {
  const graph::Node& node = input.node;
  const Shape& x = input.in_shape(0);
  const Shape& r = input.in_shape(2);
  if (x.size() != 3 || r.size() != 3) return std::optional<Lowered>();
  const auto optional_input = [&](size_t i) { return input.has(i) ? input.in(i) : kNoValue; };
  const auto result = [&](size_t i) {
    return i < node.outputs.size() ? node.outputs[i] : kNoValue;
  };
  const std::string direction = node.text("direction", "forward");
  const float clip = node.real("clip", 0);
  AnyLstm lstm{};
  lstm.kernels = input.setup.kernels;
  lstm.x = input.in(0);
  lstm.w = input.in(1);
  lstm.r = input.in(2);
  lstm.bias = optional_input(3);
  lstm.lengths = optional_input(4);
  lstm.h0 = optional_input(5);
  lstm.c0 = optional_input(6);
  lstm.peephole = optional_input(7);
  lstm.y = result(0);
  lstm.y_h = result(1);
  lstm.y_c = result(2);
  lstm.batch_first = node.integer("layout", 0) != 0;
  lstm.times = x[lstm.batch_first ? 1 : 0];
  lstm.batch = x[lstm.batch_first ? 0 : 1];
  lstm.input = x[2];
  lstm.hidden = r[2];
  lstm.directions = direction == "bidirectional" ? 2 : 1;
  lstm.first_is_reverse = direction == "reverse";
  lstm.clip = clip > 0 ? clip : kNone;
  lstm.forget = node.integer("input_forget", 0) != 0 ? LstmAnyCell::Forget::kOneMinusInput
                                                     : LstmAnyCell::Forget::kGate;
  const auto functions = functions_of(node, static_cast<size_t>(lstm.directions));
  if (!functions || !inputs_fit(input, lstm)) return std::optional<Lowered>();
  lstm.functions = *functions;
  Step step;
  step.kernel = std::string("lstm any ") + lstm.kernels->name;
  const int64_t products =
      lstm.times * lstm.batch * lstm.directions * lstm.gates() * (lstm.input + lstm.hidden);
  step.crew = products < (1 << 16) ? Crew::kSolo : Crew::kAll;
  step.member_scratch = align_up(lstm.scratch_floats() * sizeof(float));
  step.run = [lstm](StepContext& context) {
    if (!lengths_fit(lstm, context)) {
      if (context.is_first()) {
        context.fail({ErrorCode::kOutOfRange, "sequence_lens out of bounds", {}});
      }
      return;
    }
    const auto share = context.share(lstm.directions * lstm.batch);
    for (int64_t i = share.begin; i < share.end; ++i) {
      run_sequence(lstm, context, i / lstm.batch, i % lstm.batch);
    }
  };
  Lowered lowered;
  for (size_t i = 0; i < input.input_count(); ++i) lowered.reads.push_back(node.inputs[i]);
  lowered.step = std::move(step);
  return lowered;
}

}  // namespace tenwatt::cpu
