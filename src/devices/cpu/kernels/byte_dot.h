// Exact dots of four 8-bit integers in every lane, as a level does them best.
//
// Multiplying unsigned by signed bytes in pairs saturates at 16 bits (255 * 127 * 2), so without a
// dot instruction the bytes are widened: a line's even and odd bytes become 16-bit numbers, and an
// activation row is kept as 16-bit numbers in the order 0, 2, 1, 3 that meets them.
#pragma once

#include "devices/cpu/simd/simd.h"

namespace {

#if defined(__AVX512VNNI__) && defined(__AVX512F__)

typedef int8_t Code;                  // of an activation
constexpr int32_t kCodeOffset = 128;  // that a line's codes carry in `dot`
struct Line {
  I codes;
};
TENWATT_INLINE Line load_line(const uint8_t* p) {
  Line line{(I)load_bytes(p)};
  __asm__("" : "+v"(line.codes));  // loaded once, not once per row
  return line;
}
TENWATT_INLINE I dot(I sum, const Line& line, const Code* x) {
  __asm__("vpdpbusd %2%{1to16%}, %1, %0"
          : "+v"(sum)
          : "v"(line.codes), "m"(*reinterpret_cast<const int32_t*>(x)));
  return sum;
}
TENWATT_INLINE void put_codes(Code* to, const int8_t (&code)[4]) {
  __builtin_memcpy(to, code, sizeof code);
}

#elif defined(__aarch64__)

typedef int8_t Code;
constexpr int32_t kCodeOffset = 0;
struct Line {
  B codes;
};
TENWATT_INLINE Line load_line(const uint8_t* p) {
  return {load_bytes(p) ^ static_cast<int8_t>(-128)};
}
TENWATT_INLINE I dot(I sum, const Line& line, const Code* x) {
  return (I)vdotq_s32((int32x4_t)sum, (int8x16_t)line.codes, (int8x16_t)spread4(x));
}
TENWATT_INLINE void put_codes(Code* to, const int8_t (&code)[4]) {
  __builtin_memcpy(to, code, sizeof code);
}

#else

typedef int16_t Code;
constexpr int32_t kCodeOffset = 128;
struct Line {
  I even;
  I odd;
};
TENWATT_INLINE Line load_line(const uint8_t* p) {
  const I codes = (I)load_bytes(p);
  typedef uint16_t Words __attribute__((vector_size(sizeof(I))));
  return {(I)((Words)codes & 0x00ff), (I)((Words)codes >> 8)};
}
#if defined(__AVX2__)
TENWATT_INLINE I pairs(I a, I b) { return (I)_mm256_madd_epi16((__m256i)a, (__m256i)b); }
#else
TENWATT_INLINE I pairs(I a, I b) { return (I)_mm_madd_epi16((__m128i)a, (__m128i)b); }
#endif
TENWATT_INLINE I dot(I sum, const Line& line, const Code* x) {
  return sum + pairs(line.even, (I)spread4(x)) + pairs(line.odd, (I)spread4(x + 2));
}
TENWATT_INLINE void put_codes(Code* to, const int8_t (&code)[4]) {
  to[0] = code[0];
  to[1] = code[2];
  to[2] = code[1];
  to[3] = code[3];
}

#endif

}  // namespace
