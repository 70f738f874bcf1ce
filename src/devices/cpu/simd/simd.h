// The vocabulary that kernels are written in: F, a vector of W floats, I of W int32 and B of 4W
// bytes, with the operators of the compiler's vector extensions and the functions below.
//
// A file per level gives what the hardware does: types; Lanes (the
// numbers of the lanes); fma (a * b + c), min and max (b
// where either is NaN), sqrt, round (to nearest
// even), floor, ceil, to_int (to nearest even); load_f16, store_f16, load_bf16, load_i8; load_part
// and store_part (the first n lanes, the others zero or untouched, and never a byte past them);
// scale_by_power (x * 2^n for whole n); look_up (entries of a table of 16 by bytes below 16); and
// three integer dots over the 4 bytes of each lane, with codes unsigned: dot_nibbles (codes below
// 64; a Partial may be 16 bits wide and wraps: at most 8 calls for codes < 16, 4 for codes < 32),
// finish, and dot_offset_bytes (codes are w + 128, x in [-127, 127]).
// Included once by each kernel file; everything has internal linkage and no std header is used, so
// no function compiled for one level can be linked into another.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace {
template <int...>
struct Sequence {};
}  // namespace

#if defined(__AVX512F__)
#include "devices/cpu/simd/avx512.h"
#elif defined(__AVX2__)
#include "devices/cpu/simd/avx2.h"
#else
#include "devices/cpu/simd/plain.h"
#endif

/// For tiles: the compiler must merge the body into its caller to keep the accumulators in
/// registers.
#define TENWATT_INLINE inline __attribute__((always_inline))

namespace {

constexpr float kInfinity = __builtin_inff();

TENWATT_INLINE F set1(float x) { return x - F{}; }  // x - 0 is x, signed zeros included
TENWATT_INLINE I set1(int32_t x) { return I{} + x; }
TENWATT_INLINE F load(const float* p) {
  F v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
TENWATT_INLINE void store(float* p, F v) { __builtin_memcpy(p, &v, sizeof v); }
TENWATT_INLINE B load_bytes(const void* p) {
  B v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
/// The 4 bytes at p in every lane.
TENWATT_INLINE B spread4(const void* p) {
  int32_t word;
  __builtin_memcpy(&word, p, sizeof word);
  return (B)set1(word);
}
TENWATT_INLINE F to_float(I x) { return __builtin_convertvector(x, F); }
TENWATT_INLINE F choose(I mask, F a, F b) { return (F)((mask & (I)a) | (~mask & (I)b)); }
TENWATT_INLINE F abs(F x) { return (F)((I)x & 0x7fffffff); }
TENWATT_INLINE F sign_of(F x, F from) {
  return (F)(((I)x & 0x7fffffff) | ((I)from & static_cast<int32_t>(0x80000000u)));
}
/// Lane numbers 0..W-1.
template <int... kLane>
TENWATT_INLINE I numbered(Sequence<kLane...>) {
  return I{kLane...};
}
TENWATT_INLINE I lanes() { return numbered(Lanes{}); }
/// All ones in the lanes whose number lies in [begin, end).
TENWATT_INLINE I lanes_in(int64_t begin, int64_t end) {
  const I lane = lanes();
  return (lane >= static_cast<int32_t>(begin)) & (lane < static_cast<int32_t>(end));
}

TENWATT_INLINE F load_f16_part(const uint16_t* p, int64_t n) {
  uint16_t lanes[W] = {};
  for (int64_t i = 0; i < n && i < W; ++i) lanes[i] = p[i];
  return load_f16(lanes);
}
TENWATT_INLINE void store_f16_part(uint16_t* p, F v, int64_t n) {
  uint16_t lanes[W];
  store_f16(lanes, v);
  for (int64_t i = 0; i < n && i < W; ++i) p[i] = lanes[i];
}

template <int kHalf, class V, int... kLane>
TENWATT_INLINE V rotated(V v, Sequence<kLane...>) {
  return __builtin_shufflevector(v, v, ((kLane + kHalf) % W)...);
}
/// Two rows of a matrix of blocks kHalf wide: the blocks at even places of both, and those at odd
/// places of both.
template <int kHalf, int... kLane>
TENWATT_INLINE F low_halves(F a, F b, Sequence<kLane...>) {
  return __builtin_shufflevector(a, b, ((kLane & kHalf) ? W + kLane - kHalf : kLane)...);
}
template <int kHalf, int... kLane>
TENWATT_INLINE F high_halves(F a, F b, Sequence<kLane...>) {
  return __builtin_shufflevector(a, b, ((kLane & kHalf) ? W + kLane : kLane + kHalf)...);
}
/// Rows become columns: blocks of kHalf x kHalf change places, then the halves of each.
template <int kHalf = W / 2>
TENWATT_INLINE void transpose(F (&row)[W]) {
#pragma GCC unroll 16
  for (int i = 0; i < W; ++i) {
    if (i & kHalf) continue;
    const F low = low_halves<kHalf>(row[i], row[i + kHalf], Lanes{});
    row[i + kHalf] = high_halves<kHalf>(row[i], row[i + kHalf], Lanes{});
    row[i] = low;
  }
  if constexpr (kHalf > 1) transpose<kHalf / 2>(row);
}
/// The fixed tree over lanes: lane i is combined with lane i + half until one lane is left.
template <int kHalf = W / 2, class V, class Op>
TENWATT_INLINE auto fold(V v, Op op) {
  v = op(v, rotated<kHalf>(v, Lanes{}));
  if constexpr (kHalf == 1) {
    return v[0];
  } else {
    return fold<kHalf / 2>(v, op);
  }
}
TENWATT_INLINE float fold_sum(F v) {
  return fold(v, [](F a, F b) { return a + b; });
}
TENWATT_INLINE int32_t fold_sum(I v) {
  return fold(v, [](I a, I b) { return a + b; });
}
TENWATT_INLINE float fold_max(F v) {
  return fold(v, [](F a, F b) { return max(a, b); });
}

}  // namespace
