// Sixteen lanes: AVX-512 F, BW, VL, DQ, VNNI, VBMI. See simd.h for what each function means.
#pragma once

#include <immintrin.h>

namespace {

constexpr int W = 16;
typedef Sequence<0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15> Lanes;
constexpr int kRegisters = 32;
typedef float F __attribute__((vector_size(64)));
typedef int32_t I __attribute__((vector_size(64)));
typedef int8_t B __attribute__((vector_size(64)));
typedef I Partial;

inline F fma(F a, F b, F c) { return _mm512_fmadd_ps(a, b, c); }
inline F min(F a, F b) { return _mm512_min_ps(a, b); }
inline F max(F a, F b) { return _mm512_max_ps(a, b); }
inline F sqrt(F x) { return _mm512_sqrt_ps(x); }
inline F round(F x) {
  return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
inline F floor(F x) { return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC); }
inline F ceil(F x) { return _mm512_roundscale_ps(x, _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC); }
inline I to_int(F x) { return (I)_mm512_cvtps_epi32(x); }

inline F load_f16(const uint16_t* p) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
inline void store_f16(uint16_t* p, F x) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT));
}
inline F load_bf16(const uint16_t* p) {
  const __m256i half = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  return (F)_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16);
}

inline __mmask16 part_mask(int64_t n) {
  return n >= W ? 0xffff : static_cast<__mmask16>((1u << (n < 0 ? 0 : n)) - 1);
}
inline F load_part(const float* p, int64_t n) { return _mm512_maskz_loadu_ps(part_mask(n), p); }
inline void store_part(float* p, F v, int64_t n) { _mm512_mask_storeu_ps(p, part_mask(n), v); }
inline F scale_by_power(F x, F n) { return _mm512_scalef_ps(x, n); }

inline I load_i8(const void* p) {
  return (I)_mm512_cvtepi8_epi32(_mm_loadu_si128(static_cast<const __m128i*>(p)));
}
inline B look_up(const uint8_t* table, B index) {
  const __m128i entries = _mm_loadu_si128(reinterpret_cast<const __m128i*>(table));
  return (B)_mm512_shuffle_epi8(_mm512_broadcast_i32x4(entries), (__m512i)index);
}

inline Partial dot_nibbles(Partial sum, B codes, B x) {
  return (I)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)codes, (__m512i)x);
}
inline I finish(Partial sum) { return sum; }
inline I dot_offset_bytes(I sum, B codes, B x) {
  // codes are w + 128: dot(codes, x) - 128 * sum(x) is the signed dot, in modular arithmetic.
  const __m512i all = _mm512_dpbusd_epi32(_mm512_setzero_si512(), _mm512_set1_epi8(1), (__m512i)x);
  const __m512i raw = _mm512_dpbusd_epi32((__m512i)sum, (__m512i)codes, (__m512i)x);
  return (I)_mm512_sub_epi32(raw, _mm512_slli_epi32(all, 7));
}

}  // namespace
