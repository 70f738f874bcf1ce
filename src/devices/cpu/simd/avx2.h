// Eight lanes: AVX2 with FMA and half-float conversion. See simd.h for what each function means.
#pragma once

#include <immintrin.h>

namespace {

constexpr int W = 8;
typedef Sequence<0, 1, 2, 3, 4, 5, 6, 7> Lanes;
constexpr int kRegisters = 16;
typedef float F __attribute__((vector_size(32)));
typedef int32_t I __attribute__((vector_size(32)));
typedef int8_t B __attribute__((vector_size(32)));
typedef int16_t Partial __attribute__((vector_size(32)));

inline F fma(F a, F b, F c) { return _mm256_fmadd_ps(a, b, c); }
inline F min(F a, F b) { return _mm256_min_ps(a, b); }
inline F max(F a, F b) { return _mm256_max_ps(a, b); }
inline F sqrt(F x) { return _mm256_sqrt_ps(x); }
inline F round(F x) { return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
inline F floor(F x) { return _mm256_floor_ps(x); }
inline F ceil(F x) { return _mm256_ceil_ps(x); }
inline I to_int(F x) { return (I)_mm256_cvtps_epi32(x); }

inline F load_f16(const uint16_t* p) {
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
inline void store_f16(uint16_t* p, F x) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT));
}
inline F load_bf16(const uint16_t* p) {
  const __m128i half = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  return (F)_mm256_slli_epi32(_mm256_cvtepu16_epi32(half), 16);
}

alignas(64) const int32_t kPartMask[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
inline __m256i part_mask(int64_t n) {
  const int64_t lanes = n < W ? (n < 0 ? 0 : n) : W;
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kPartMask + W - lanes));
}
inline F load_part(const float* p, int64_t n) { return _mm256_maskload_ps(p, part_mask(n)); }
inline void store_part(float* p, F v, int64_t n) { _mm256_maskstore_ps(p, part_mask(n), v); }

inline F scale_by_power(F x, F n) {
  const I whole = to_int(n);
  const I half = whole >> 1;
  return x * (F)((half + 127) << 23) * (F)((whole - half + 127) << 23);
}

inline I load_i8(const void* p) {
  return (I)_mm256_cvtepi8_epi32(_mm_loadl_epi64(static_cast<const __m128i*>(p)));
}
inline B look_up(const uint8_t* table, B index) {
  const __m128i entries = _mm_loadu_si128(reinterpret_cast<const __m128i*>(table));
  return (B)_mm256_shuffle_epi8(_mm256_broadcastsi128_si256(entries), (__m256i)index);
}

inline Partial dot_nibbles(Partial sum, B codes, B x) {
  return sum + (Partial)_mm256_maddubs_epi16((__m256i)codes, (__m256i)x);
}
inline I finish(Partial sum) { return (I)_mm256_madd_epi16((__m256i)sum, _mm256_set1_epi16(1)); }
inline I dot_offset_bytes(I sum, B codes, B x) {
  const __m256i w = _mm256_xor_si256((__m256i)codes, _mm256_set1_epi8(-128));
  const __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8((__m256i)x, w));
  return sum + (I)_mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
}

}  // namespace
