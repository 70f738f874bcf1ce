// Elementwise operators over contiguous spans. Each lane's result depends on that lane alone; the
// last, part-filled vector runs the same instructions as a full one.
#include "devices/cpu/kernels/level.h"
#include "devices/cpu/simd/math.h"

namespace tenwatt::cpu::TENWATT_LEVEL {
namespace {

template <class Op>
TENWATT_INLINE void map(const float* x, float* y, int64_t n, Op op) {
  int64_t i = 0;
  for (; i + W <= n; i += W) store(y + i, op(load(x + i)));
  if (i < n) store_part(y + i, op(load_part(x + i, n - i)), n - i);
}

// Operand at i: the span's vector, or its one value everywhere.
TENWATT_INLINE F operand(const float* p, int64_t i, int64_t n, bool spread) {
  if (spread) return set1(*p);
  return i + W <= n ? load(p + i) : load_part(p + i, n - i);
}

template <class Op>
TENWATT_INLINE void map2(const float* a, const float* b, float* y, int64_t n, Spread spread,
                         Op op) {
  const bool one_a = spread == Spread::kA;
  const bool one_b = spread == Spread::kB;
  const float first_a = n > 0 ? *a : 0.0f;  // y may overwrite a spread operand
  const float first_b = n > 0 ? *b : 0.0f;
  if (one_a) a = &first_a;
  if (one_b) b = &first_b;
  for (int64_t i = 0; i < n; i += W) {
    const F value = op(operand(a, i, n, one_a), operand(b, i, n, one_b));
    if (i + W <= n) {
      store(y + i, value);
    } else {
      store_part(y + i, value, n - i);
    }
  }
}

// Functions without a vector form, lane by lane.
template <class Op>
TENWATT_INLINE F each(F a, F b, Op op) {
  F y = a;
  for (int i = 0; i < W; ++i) y[i] = op(a[i], b[i]);
  return y;
}
float pow_of(float a, float b) { return __builtin_powf(a, b); }
float mod_of(float a, float b) { return __builtin_fmodf(a, b); }
float sin_of(float a, float) { return __builtin_sinf(a); }
float cos_of(float a, float) { return __builtin_cosf(a); }

// ONNX Min and Max give NaN where either operand is NaN; `min` and `max` give b where a is NaN.
TENWATT_INLINE F propagate(F a, F b, F result) {
  return choose(a != a, a, choose(b != b, b, result));
}

typedef void (*UnaryFunction)(const float*, float*, int64_t, float, float);

// clang-format off
#define TENWATT_UNARY(name, expression)                                                      \
  void name(const float* in, float* out, int64_t n, [[maybe_unused]] float alpha,            \
            [[maybe_unused]] float beta) {                                                   \
    map(in, out, n, [=](F x) { return expression; });                                        \
  }
TENWATT_UNARY(unary_abs, abs(x))
TENWATT_UNARY(unary_ceil, ceil(x))
TENWATT_UNARY(unary_clip, min(set1(beta), max(set1(alpha), x)))
TENWATT_UNARY(unary_cos, each(x, x, cos_of))
TENWATT_UNARY(unary_erf, erf(x))
TENWATT_UNARY(unary_elu, choose(x > F{}, x, alpha * (exp(x) - 1.0f)))
TENWATT_UNARY(unary_exp, exp(x))
TENWATT_UNARY(unary_floor, floor(x))
TENWATT_UNARY(unary_gelu_erf, gelu_erf(x))
TENWATT_UNARY(unary_gelu_tanh, gelu_tanh(x))
TENWATT_UNARY(unary_hard_sigmoid, min(max(alpha * x + beta, F{}), set1(1.0f)))
TENWATT_UNARY(unary_identity, x)
TENWATT_UNARY(unary_leaky_relu, choose(x < F{}, x * alpha, x))
TENWATT_UNARY(unary_linear, alpha * x + beta)
TENWATT_UNARY(unary_log, log(x))
TENWATT_UNARY(unary_neg, -x)
TENWATT_UNARY(unary_reciprocal, 1.0f / x)
TENWATT_UNARY(unary_relu, choose(x < F{}, F{}, x))
TENWATT_UNARY(unary_round, round(x))
TENWATT_UNARY(unary_rsqrt, 1.0f / sqrt(x))
TENWATT_UNARY(unary_sigmoid, sigmoid(x))
TENWATT_UNARY(unary_sign, choose(x > F{}, set1(1.0f), choose(x < F{}, set1(-1.0f), x)))
TENWATT_UNARY(unary_silu, silu(x))
TENWATT_UNARY(unary_sin, each(x, x, sin_of))
TENWATT_UNARY(unary_softplus, softplus(x))
TENWATT_UNARY(unary_sqrt, sqrt(x))
TENWATT_UNARY(unary_square, x * x)
TENWATT_UNARY(unary_tanh, tanh(x))
#undef TENWATT_UNARY

// In the order of enum Unary.
const UnaryFunction kUnary[] = {
    unary_abs, unary_ceil, unary_clip, unary_cos, unary_erf, unary_elu, unary_exp, unary_floor,
    unary_gelu_erf, unary_gelu_tanh, unary_hard_sigmoid, unary_identity, unary_leaky_relu,
    unary_linear, unary_log, unary_neg, unary_reciprocal, unary_relu, unary_round, unary_rsqrt,
    unary_sigmoid, unary_sign, unary_silu, unary_sin, unary_softplus, unary_sqrt, unary_square,
    unary_tanh,
};
// clang-format on
static_assert(sizeof kUnary / sizeof *kUnary == static_cast<size_t>(Unary::kTanh) + 1);

// One vector of a gate's non-linearity.
TENWATT_INLINE F gate(const GateFunction& function, F x) {
  switch (function.kind) {
    case GateFunction::Kind::kSoftsign:
      return x / (1.0f + abs(x));
    case GateFunction::Kind::kThresholdedRelu:
      return choose(x > set1(function.alpha), x, F{});
    case GateFunction::Kind::kUnary:
      break;
  }
  float lanes[W];
  store(lanes, x * function.slope);
  kUnary[static_cast<size_t>(function.op)](lanes, lanes, W, function.alpha, function.beta);
  return load(lanes) * function.scale;
}

}  // namespace

void unary(Unary op, const float* x, float* y, int64_t n, float alpha, float beta) {
  kUnary[static_cast<size_t>(op)](x, y, n, alpha, beta);
}

void binary(Binary op, const float* a, const float* b, float* y, int64_t n, Spread spread) {
  switch (op) {
    case Binary::kAdd:
      return map2(a, b, y, n, spread, [](F l, F r) { return l + r; });
    case Binary::kSub:
      return map2(a, b, y, n, spread, [](F l, F r) { return l - r; });
    case Binary::kMul:
      return map2(a, b, y, n, spread, [](F l, F r) { return l * r; });
    case Binary::kDiv:
      return map2(a, b, y, n, spread, [](F l, F r) { return l / r; });
    case Binary::kMin:
      return map2(a, b, y, n, spread, [](F l, F r) { return propagate(l, r, min(l, r)); });
    case Binary::kMax:
      return map2(a, b, y, n, spread, [](F l, F r) { return propagate(l, r, max(l, r)); });
    case Binary::kMod:
      return map2(a, b, y, n, spread, [](F l, F r) { return each(l, r, mod_of); });
    case Binary::kPow:
      // Squares are what models ask for most, and x * x is exactly powf's answer.
      if (spread == Spread::kB && n > 0 && *b == 2.0f) {
        return map(a, y, n, [](F x) { return x * x; });
      }
      return map2(a, b, y, n, spread, [](F l, F r) { return each(l, r, pow_of); });
  }
}

void compare(Compare op, const float* a, const float* b, uint8_t* y, int64_t n, Spread spread) {
  const ptrdiff_t step_a = spread == Spread::kA ? 0 : 1;
  const ptrdiff_t step_b = spread == Spread::kB ? 0 : 1;
  const auto run = [&](auto op_of) {
    for (int64_t i = 0; i < n; ++i) y[i] = op_of(a[i * step_a], b[i * step_b]) ? 1 : 0;
  };
  switch (op) {
    case Compare::kEqual:
      return run([](float l, float r) { return l == r; });
    case Compare::kLess:
      return run([](float l, float r) { return l < r; });
    case Compare::kLessOrEqual:
      return run([](float l, float r) { return l <= r; });
    case Compare::kGreater:
      return run([](float l, float r) { return l > r; });
    case Compare::kGreaterOrEqual:
      return run([](float l, float r) { return l >= r; });
  }
}

void select(const uint8_t* condition, const float* a, const float* b, float* y, int64_t n,
            Spread spread) {
  const ptrdiff_t step_a = spread == Spread::kA ? 0 : 1;
  const ptrdiff_t step_b = spread == Spread::kB ? 0 : 1;
  for (int64_t i = 0; i < n; ++i) y[i] = condition[i] ? a[i * step_a] : b[i * step_b];
}

void gated(Gate act, const float* a, const float* b, float* y, int64_t n) {
  switch (act) {
    case Gate::kSilu:
      return map2(a, b, y, n, Spread::kNone, [](F l, F r) { return silu(l) * r; });
    case Gate::kGeluTanh:
      return map2(a, b, y, n, Spread::kNone, [](F l, F r) { return gelu_tanh(l) * r; });
    case Gate::kGeluErf:
      return map2(a, b, y, n, Spread::kNone, [](F l, F r) { return gelu_erf(l) * r; });
    case Gate::kSigmoid:
      return map2(a, b, y, n, Spread::kNone, [](F l, F r) { return sigmoid(l) * r; });
  }
}

void lstm_cell(const LstmCell& job) {
  const int64_t n = job.hidden;
  for (int64_t i = 0; i < n; i += W) {
    const int64_t left = n - i;
    const F in = sigmoid(load_part(job.gates + i, left));
    const F out = sigmoid(load_part(job.gates + n + i, left));
    const F forget = sigmoid(load_part(job.gates + 2 * n + i, left));
    const F candidate = tanh(load_part(job.gates + 3 * n + i, left));
    const F cell = fma(forget, load_part(job.c + i, left), in * candidate);
    store_part(job.c_out + i, cell, left);
    store_part(job.h_out + i, out * tanh(cell), left);
  }
}

void lstm_any_cell(const LstmAnyCell& job) {
  const int64_t n = job.hidden;
  const F low = set1(-job.clip);
  const F high = set1(job.clip);
  for (int64_t i = 0; i < n; i += W) {
    const int64_t left = n - i;
    const F old = load_part(job.c + i, left);
    const auto entering = [&](int64_t which) { return load_part(job.gates + which * n + i, left); };
    const auto peep = [&](int64_t which, F cell) {
      return job.peephole ? load_part(job.peephole + which * n + i, left) * cell : F{};
    };
    const auto clipped = [&](F x) { return min(high, max(low, x)); };
    const F in = gate(job.f, clipped(entering(0) + peep(0, old)));
    const F forget = job.forget == LstmAnyCell::Forget::kOneMinusInput
                         ? 1.0f - in
                         : gate(job.f, clipped(entering(2) + peep(2, old)));
    const F cell = fma(forget, old, in * gate(job.g, clipped(entering(3))));
    const F out = gate(job.f, clipped(entering(1) + peep(1, cell)));
    store_part(job.c_out + i, cell, left);
    store_part(job.h_out + i, out * gate(job.h, cell), left);
  }
}

}  // namespace tenwatt::cpu::TENWATT_LEVEL
