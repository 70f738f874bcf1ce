// Four lanes from the compiler's vector extensions: x86-64-v2, and AArch64 with dot products.
// See simd.h for what each function means.
#pragma once

#if defined(__aarch64__)
#include <arm_neon.h>
#else
#include <smmintrin.h>
#endif

namespace {

constexpr int W = 4;
typedef Sequence<0, 1, 2, 3> Lanes;
typedef float F __attribute__((vector_size(16)));
typedef int32_t I __attribute__((vector_size(16)));
typedef int8_t B __attribute__((vector_size(16)));

#if defined(__aarch64__)

constexpr int kRegisters = 32;
typedef I Partial;

inline F fma(F a, F b, F c) { return vfmaq_f32(c, a, b); }
inline F min(F a, F b) { return vbslq_f32(vcltq_f32(a, b), a, b); }
inline F max(F a, F b) { return vbslq_f32(vcgtq_f32(a, b), a, b); }
inline F sqrt(F x) { return vsqrtq_f32(x); }
inline F round(F x) { return vrndnq_f32(x); }
inline F floor(F x) { return vrndmq_f32(x); }
inline F ceil(F x) { return vrndpq_f32(x); }
inline I to_int(F x) { return vcvtnq_s32_f32(x); }
inline F load_f16(const uint16_t* p) { return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p))); }
inline void store_f16(uint16_t* p, F x) { vst1_u16(p, vreinterpret_u16_f16(vcvt_f16_f32(x))); }
inline I load_i8(const void* p) {
  int32_t word;
  __builtin_memcpy(&word, p, sizeof word);
  return vmovl_s16(vget_low_s16(vmovl_s8(vreinterpret_s8_s32(vdup_n_s32(word)))));
}
inline B look_up(const uint8_t* table, B index) {
  return vreinterpretq_s8_u8(vqtbl1q_u8(vld1q_u8(table), vreinterpretq_u8_s8(index)));
}
inline Partial dot_nibbles(Partial sum, B codes, B x) { return vdotq_s32(sum, codes, x); }
inline I finish(Partial sum) { return sum; }
inline I dot_offset_bytes(I sum, B codes, B x) {
  return vdotq_s32(sum, codes ^ static_cast<int8_t>(-128), x);
}

#else

constexpr int kRegisters = 16;
typedef int16_t Partial __attribute__((vector_size(16)));

inline F fma(F a, F b, F c) { return a * b + c; }  // two roundings: this level has no fused add
inline F min(F a, F b) { return _mm_min_ps(a, b); }
inline F max(F a, F b) { return _mm_max_ps(a, b); }
inline F sqrt(F x) { return _mm_sqrt_ps(x); }
inline F round(F x) { return _mm_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
inline F floor(F x) { return _mm_floor_ps(x); }
inline F ceil(F x) { return _mm_ceil_ps(x); }
inline I to_int(F x) { return (I)_mm_cvtps_epi32(x); }

inline F load_f16(const uint16_t* p) {
  const I half = (I)_mm_cvtepu16_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)));
  const I magnitude = (half & 0x7fff) << 13;
  const F scaled = (F)magnitude * 0x1p112f;  // exact, subnormals included
  const I special = (magnitude >= 0x0f800000) & 0x7f800000;
  return (F)((I)scaled | special | ((half & 0x8000) << 16));
}

inline void store_f16(uint16_t* p, F x) {
  const I bits = (I)x;
  const I magnitude = bits & 0x7fffffff;
  // Adding 0.5 puts the unit of a half's subnormals in the last place, so the adder rounds.
  const I small = (I)((F)magnitude + 0.5f) - 0x3f000000;
  const I normal = (magnitude + 0xfff + ((magnitude >> 13) & 1) - (112 << 23)) >> 13;
  const I infinite = magnitude > 0x7f800000 ? I{0x7e00, 0x7e00, 0x7e00, 0x7e00}
                                            : I{0x7c00, 0x7c00, 0x7c00, 0x7c00};
  const I finite = magnitude < 0x38800000 ? small : normal;
  const I half = (magnitude >= 0x47800000 ? infinite : finite) | ((bits >> 16) & 0x8000);
  const __m128i packed = _mm_packus_epi32((__m128i)half, (__m128i)half);
  _mm_storel_epi64(reinterpret_cast<__m128i*>(p), packed);
}

inline I load_i8(const void* p) {
  int32_t word;
  __builtin_memcpy(&word, p, sizeof word);
  return (I)_mm_cvtepi8_epi32(_mm_cvtsi32_si128(word));
}
inline B look_up(const uint8_t* table, B index) {
  const __m128i entries = _mm_loadu_si128(reinterpret_cast<const __m128i*>(table));
  return (B)_mm_shuffle_epi8(entries, (__m128i)index);
}
inline Partial dot_nibbles(Partial sum, B codes, B x) {
  return sum + (Partial)_mm_maddubs_epi16((__m128i)codes, (__m128i)x);
}
inline I finish(Partial sum) { return (I)_mm_madd_epi16((__m128i)sum, _mm_set1_epi16(1)); }
inline I dot_offset_bytes(I sum, B codes, B x) {
  const __m128i w = _mm_xor_si128((__m128i)codes, _mm_set1_epi8(-128));
  const __m128i pairs = _mm_maddubs_epi16(_mm_abs_epi8(w), _mm_sign_epi8((__m128i)x, w));
  return sum + (I)_mm_madd_epi16(pairs, _mm_set1_epi16(1));
}

#endif

inline F load_part(const float* p, int64_t n) {
  F v = {};
  for (int64_t i = 0; i < n && i < W; ++i) v[i] = p[i];
  return v;
}
inline void store_part(float* p, F v, int64_t n) {
  for (int64_t i = 0; i < n && i < W; ++i) p[i] = v[i];
}
inline F load_bf16(const uint16_t* p) {
  typedef uint16_t Words __attribute__((vector_size(8)));
  Words words;
  __builtin_memcpy(&words, p, sizeof words);
  return (F)(__builtin_convertvector(words, I) << 16);
}
inline F scale_by_power(F x, F n) {
  const I whole = to_int(n);
  const I half = whole >> 1;
  return x * (F)((half + 127) << 23) * (F)((whole - half + 127) << 23);
}

}  // namespace
