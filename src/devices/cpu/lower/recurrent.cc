// LSTM: the products with the inputs of all times at once on the whole team, then the recurrence of
// each direction on one member (a recurrent product is far smaller than a barrier is long).
#include <cstring>
#include <memory>

#include "devices/cpu/arena.h"
#include "devices/cpu/kernels/panels.h"
#include "devices/cpu/lower/linear.h"
#include "devices/cpu/lower/recurrent_any.h"

namespace tenwatt::cpu {
namespace {

using graph::ValueId;

struct LstmStep {
  const KernelTable* kernels;
  PanelMatrix w;                                   ///< [directions * 4 * hidden, input]
  PanelMatrix r;                                   ///< [directions * 4 * hidden, hidden]
  std::shared_ptr<const std::vector<float>> bias;  ///< [directions, 4 * hidden], Wb + Rb
  ValueId x, h0, c0, y, y_h, y_c;
  int64_t times, batch, input, hidden, directions;
  bool first_is_reverse;

  int64_t gates() const { return 4 * hidden; }
  int64_t direction_panels() const { return gates() / kPanelRows; }
  // Shared scratch: input products of all directions; then per direction the gates of one time, h
  // and c.
  size_t products_floats() const {
    return static_cast<size_t>(times * batch * directions * gates());
  }
  size_t direction_floats() const { return static_cast<size_t>(batch * (gates() + 2 * hidden)); }
  size_t shared_bytes() const {
    return align_up((products_floats() + static_cast<size_t>(directions) * direction_floats()) *
                    sizeof(float));
  }
};

void copy_or_zero(float* to, const StepContext& context, ValueId from, int64_t at, int64_t n) {
  const size_t bytes = static_cast<size_t>(n) * sizeof(float);
  if (from == graph::kNoValue) {
    std::memset(to, 0, bytes);
  } else {
    std::memcpy(to, context.at<const float>(from) + at, bytes);
  }
}

void run_direction(const LstmStep& step, const StepContext& context, int64_t direction) {
  auto* scratch = reinterpret_cast<float*>(context.shared_scratch);
  float* gates =
      scratch + step.products_floats() + static_cast<size_t>(direction) * step.direction_floats();
  float* h = gates + step.batch * step.gates();
  float* c = h + step.batch * step.hidden;
  const int64_t state = step.batch * step.hidden;
  copy_or_zero(h, context, step.h0, direction * state, state);
  copy_or_zero(c, context, step.c0, direction * state, state);
  const bool reverse = direction == 1 || step.first_is_reverse;
  const int64_t first_panel = direction * step.direction_panels();
  const int64_t product_stride = step.directions * step.gates();
  const size_t panel_bytes = float_panel_bytes(step.r.floats, step.r.k);
  for (int64_t i = 0; i < step.times; ++i) {
    const int64_t t = reverse ? step.times - 1 - i : i;
    const float* products = scratch + t * step.batch * product_stride + direction * step.gates();
    step.kernels->linear_float({h, step.hidden, step.batch, step.hidden,
                                step.r.panels + static_cast<size_t>(first_panel) * panel_bytes,
                                step.r.floats, nullptr, products, product_stride, gates,
                                step.gates(), step.gates(), 0, step.direction_panels()});
    for (int64_t b = 0; b < step.batch; ++b) {
      step.kernels->lstm_cell({gates + b * step.gates(), c + b * step.hidden, c + b * step.hidden,
                               h + b * step.hidden, step.hidden});
    }
    if (step.y == graph::kNoValue) continue;
    std::memcpy(context.at<float>(step.y) + (t * step.directions + direction) * state, h,
                static_cast<size_t>(state) * sizeof(float));
  }
  const size_t bytes = static_cast<size_t>(state) * sizeof(float);
  if (step.y_h != graph::kNoValue) {
    std::memcpy(context.at<float>(step.y_h) + direction * state, h, bytes);
  }
  if (step.y_c != graph::kNoValue) {
    std::memcpy(context.at<float>(step.y_c) + direction * state, c, bytes);
  }
}

void run_lstm(const LstmStep& step, const StepContext& context) {
  auto* products = reinterpret_cast<float*>(context.shared_scratch);
  const auto panels = context.share(panels_of(step.w.outputs));
  multiply_floats(*step.kernels, step.w, context.at<const float>(step.x), step.times * step.batch,
                  step.bias->data(), products, panels.begin, panels.end);
  if (!context.barrier()) return;
  const auto mine = context.share(step.directions);
  for (int64_t d = mine.begin; d < mine.end; ++d) run_direction(step, context, d);
}

/// Wb + Rb by direction; ones of a missing bias are zero.
std::shared_ptr<const std::vector<float>> summed_bias(const LowerInput& input, int64_t directions,
                                                      int64_t gates) {
  auto sums = std::make_shared<std::vector<float>>(static_cast<size_t>(directions * gates), 0.0f);
  if (!input.has(3)) return sums;
  const auto* b = reinterpret_cast<const float*>(input.weights.plain(input.in(3)));
  for (int64_t d = 0; d < directions; ++d) {
    for (int64_t i = 0; i < gates; ++i) {
      (*sums)[static_cast<size_t>(d * gates + i)] =
          b[d * 2 * gates + i] + b[d * 2 * gates + gates + i];
    }
  }
  return sums;
}

/// The forms that this step computes: default activations, no clipping, full lengths.
bool is_plain_lstm(const LowerInput& input) {
  const graph::Node& node = input.node;
  const bool attributes = !node.attribute("activations") && !node.attribute("clip") &&
                          node.integer("input_forget", 0) == 0 && node.integer("layout", 0) == 0;
  const bool bias =
      !input.has(3) || (input.is_constant(input.in(3)) && input.in_format(3) == Format::kF32);
  const bool states = (!input.has(5) || input.in_format(5) == Format::kF32) &&
                      (!input.has(6) || input.in_format(6) == Format::kF32);
  return attributes && bias && states && !input.has(4) && !input.has(7) &&
         input.in_format(0) == Format::kF32 && input.in_shape(0).size() == 3;
}

Result<std::optional<Lowered>> lower_lstm(const LowerInput& input) {
  const auto w = panel_matrix(input, 1);
  const auto r = panel_matrix(input, 2);
  if (!w || !r || w->block || r->block || !is_plain_lstm(input)) return lower_any_lstm(input);
  const graph::Node& node = input.node;
  const std::string direction = node.text("direction", "forward");
  const Shape& x = input.in_shape(0);
  const auto result = [&](size_t i) {
    return i < node.outputs.size() ? node.outputs[i] : graph::kNoValue;
  };
  LstmStep lstm{};
  lstm.kernels = input.setup.kernels;
  lstm.w = *w;
  lstm.r = *r;
  lstm.x = input.in(0);
  lstm.h0 = input.has(5) ? input.in(5) : graph::kNoValue;
  lstm.c0 = input.has(6) ? input.in(6) : graph::kNoValue;
  lstm.y = result(0);
  lstm.y_h = result(1);
  lstm.y_c = result(2);
  lstm.times = x[0];
  lstm.batch = x[1];
  lstm.input = x[2];
  lstm.hidden = r->k;
  lstm.directions = direction == "bidirectional" ? 2 : 1;
  lstm.first_is_reverse = direction == "reverse";
  const bool fits = w->k == lstm.input && w->outputs == lstm.directions * lstm.gates() &&
                    r->outputs == w->outputs;
  if (!fits) return lower_any_lstm(input);
  lstm.bias = summed_bias(input, lstm.directions, lstm.gates());
  Step step;
  step.kernel = std::string("lstm ") + lstm.kernels->name;
  step.shared_scratch = lstm.shared_bytes();
  const int64_t products = lstm.times * lstm.batch * w->outputs * (lstm.input + lstm.hidden);
  step.crew = products < (1 << 16) ? Crew::kSolo : Crew::kAll;
  step.run = [lstm](StepContext& context) { run_lstm(lstm, context); };
  Lowered lowered;
  lowered.reads = {lstm.x, lstm.h0, lstm.c0};
  lowered.step = std::move(step);
  return lowered;
}

constexpr OperatorRow kRows[] = {{"LSTM", "lstm", lower_lstm}};

}  // namespace

std::span<const OperatorRow> recurrent_operators() { return kRows; }

}  // namespace tenwatt::cpu
