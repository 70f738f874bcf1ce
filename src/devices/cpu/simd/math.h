// exp, log, tanh, erf and their kin on vectors, to about 1e-7 of 1 (exp: two units in the last
// place). Polynomials are minimax fits of our own (weighted Lawson iteration in 40 digits); each
// lane's result depends on that lane alone, so a tail computed in a part-filled vector has the
// bits of a full one.
#pragma once

#include "devices/cpu/simd/simd.h"

namespace {

/// e^x; 0 for -infinity, subnormal results included. exp(r) = 1 + r + r^2 g(r), |r| <= ln2 / 2.
TENWATT_INLINE F exp(F x) {
  x = min(set1(89.0f), max(set1(-104.0f), x));  // NaN passes
  const F n = round(x * 1.44269504f);
  F r = fma(n, set1(-0.693359375f), x);
  r = fma(n, set1(2.12194440e-4f), r);
  F g = fma(set1(1.395139102e-3f), r, set1(8.369578414e-3f));
  g = fma(g, r, set1(4.166618915e-2f));
  g = fma(g, r, set1(0.1666651305f));
  g = fma(g, r, set1(0.5000000103f));
  return scale_by_power(fma(r * r, g, r) + 1.0f, n);
}

/// Natural logarithm: -infinity at 0, NaN below. x = 2^e m, m in [sqrt(1/2), sqrt(2)).
TENWATT_INLINE F log(F x) {
  const I tiny = x < set1(0x1p-126f);
  const F scaled = choose(tiny, x * 0x1p23f, x);
  const I bits = (I)scaled;
  const I exponent = (bits - 0x3f3504f3) >> 23;
  const F f = (F)(bits - (exponent << 23)) - 1.0f;
  const F e = to_float(exponent - (tiny & 23));
  F p = fma(set1(-7.871115988e-2f), f, set1(0.1289903857f));
  p = fma(p, f, set1(-0.1313257366f));
  p = fma(p, f, set1(0.1417905087f));
  p = fma(p, f, set1(-0.1662397119f));
  p = fma(p, f, set1(0.200023621f));
  p = fma(p, f, set1(-0.2500082743f));
  p = fma(p, f, set1(0.3333331587f));
  const F square = f * f;
  F y = fma(p * f, square, e * -2.12194440e-4f);
  y = fma(square, set1(-0.5f), y) + f;
  y = fma(e, set1(0.693359375f), y);
  y = choose(x == set1(kInfinity), x, y);
  y = choose(x == set1(0.0f), set1(-kInfinity), y);
  return choose((x < set1(0.0f)) | (x != x), set1(__builtin_nanf("")), y);
}

TENWATT_INLINE F sigmoid(F x) { return 1.0f / (1.0f + exp(-x)); }

TENWATT_INLINE F tanh(F x) {
  const F a = abs(x);
  const F z = x * x;
  F p = fma(set1(-5.717296308e-3f), z, set1(2.065068038e-2f));
  p = fma(p, z, set1(-5.37434806e-2f));
  p = fma(p, z, set1(0.1333149059f));
  p = fma(p, z, set1(-0.333332839f));
  const F small = fma(p * z, x, x);
  const F large = sign_of(1.0f - 2.0f / (exp(a + a) + 1.0f), x);
  return choose(a < set1(0.625f), small, large);
}

/// Error function: x P(x^2) below 1, 1 - exp(Q(x)) above, Q fitted to log(erfc) on [1, 4].
TENWATT_INLINE F erf(F x) {
  const F z = x * x;
  F p = fma(set1(7.888705155e-5f), z, set1(-8.020709272e-4f));
  p = fma(p, z, set1(5.189519423e-3f));
  p = fma(p, z, set1(-2.685443564e-2f));
  p = fma(p, z, set1(0.1128359995f));
  p = fma(p, z, set1(-0.3761262711f));
  p = fma(p, z, set1(1.128379166f));
  const F whole = abs(x);
  const F a = choose(whole > set1(4.0f), set1(4.0f), whole);
  F q = fma(set1(-2.168459744e-5f), a, set1(4.413071723e-4f));
  q = fma(q, a, set1(-4.204404872e-3f));
  q = fma(q, a, set1(2.520780204e-2f));
  q = fma(q, a, set1(-0.1084178097f));
  q = fma(q, a, set1(-0.6332206498f));
  q = fma(q, a, set1(-1.12957802f));
  q = fma(q, a, set1(1.879500145e-4f));
  const F large = sign_of(1.0f - exp(q), x);
  return choose(whole < set1(1.0f), p * x, large);
}

/// log(1 + e^x) without overflow.
TENWATT_INLINE F softplus(F x) {
  const F e = exp(-abs(x));
  // log(1 + e) = log(u) + (e - (u - 1)) / u keeps small e.
  const F u = 1.0f + e;
  return max(x, F{}) + log(u) + (e - (u - 1.0f)) / u;
}

TENWATT_INLINE F gelu_erf(F x) { return 0.5f * x * (1.0f + erf(x * 0.707106781f)); }
TENWATT_INLINE F gelu_tanh(F x) {
  const F inner = 0.797884561f * fma(x * x * x, set1(0.044715f), x);
  return 0.5f * x * (1.0f + tanh(inner));
}
TENWATT_INLINE F silu(F x) { return x / (1.0f + exp(-x)); }

}  // namespace
