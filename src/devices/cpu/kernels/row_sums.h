// Exact integer sums of one vector of weight rows with R activation rows, a form for each kind of
// integer dot that processors have: 4-byte dots with a broadcast from memory (AVX-512 VNNI), byte
// pairs into 16 bits (SSE, AVX2), 4-byte dots by lane (NEON) and 8-byte dots of two rows by two
// (ARM i8mm).
//
// Weights come as unsigned bytes, `add<j>` taking those of word j (k = 4j .. 4j+3 of a block);
// `get` is the sum over the bytes minus kZero. A sum covers a whole block or, where scales belong
// to 16 k, one of its halves.
#pragma once

#include "devices/cpu/kernels/table.h"
#include "devices/cpu/simd/simd.h"

namespace {

using tenwatt::cpu::QuantBlock;

/// What a sum covers, and the largest byte in it.
enum class Part { kWhole, kLow, kHigh };
struct SumKind {
  int largest;
  int zero;
  Part part;
};

/// -8 * sum, as a QuantBlock holds it, to -zero * sum.
template <int kZero, class V>
TENWATT_INLINE V offset_of(V eighth) {
  if constexpr (kZero == 0) return V{};
  if constexpr (kZero == 4) return eighth >> 1;
  if constexpr (kZero == 8) return eighth;
  if constexpr (kZero == 16) return eighth << 1;
  if constexpr (kZero == 32) return eighth << 2;
  if constexpr (kZero == 128) return eighth << 4;
}

template <SumKind kKind>
TENWATT_INLINE int32_t offset_in(const QuantBlock& x) {
  if (kKind.part == Part::kWhole) return x.offset;
  return x.half_offset[kKind.part == Part::kHigh];
}

#if defined(__AVX512F__)

// GCC 12 does not fold the broadcast into the instruction, so it is inline assembly.
template <SumKind kKind, int R>
struct RowSums {
  I sum[R];

  TENWATT_INLINE void start(const QuantBlock* x, ptrdiff_t stride) {
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      if constexpr (kKind.zero == 0) {
        sum[r] = I{};
      } else {
        sum[r] = offset_of<kKind.zero>(set1(offset_in<kKind>(x[r * stride])));
      }
    }
  }
  template <int j>
  TENWATT_INLINE void add(I bytes, const QuantBlock* x, ptrdiff_t stride) {
    typedef int32_t Word __attribute__((may_alias));
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      __asm__("vpdpbusd %2%{1to16%}, %1, %0"
              : "+v"(sum[r])
              : "v"(bytes), "m"(*reinterpret_cast<const Word*>(x[r * stride].code + 4 * j)));
    }
  }
  TENWATT_INLINE I get(int r, const QuantBlock&) const { return sum[r]; }
};

constexpr int kTileRows = 8;

#elif defined(__aarch64__)

template <int j>
TENWATT_INLINE I dot_lane(I sum, B bytes, B x) {
  return vdotq_laneq_s32(sum, bytes, x, j % 4);
}

// All bytes but those of kZero 128 are below 128, and so signed as they are.
template <SumKind kKind, int R>
struct LaneSums {
  static constexpr bool kSigned = kKind.zero == 128;
  I sum[R];

  TENWATT_INLINE void start(const QuantBlock* x, ptrdiff_t stride) {
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      if constexpr (kSigned || kKind.zero == 0) {
        sum[r] = I{};
      } else {
        sum[r] = offset_of<kKind.zero>(set1(offset_in<kKind>(x[r * stride])));
      }
    }
  }
  template <int j>
  TENWATT_INLINE void add(I bytes, const QuantBlock* x, ptrdiff_t stride) {
    const B w = kSigned ? (B)bytes ^ static_cast<int8_t>(-128) : (B)bytes;
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      sum[r] = dot_lane<j>(sum[r], w, load_bytes(x[r * stride].code + j / 4 * 16));
    }
  }
  TENWATT_INLINE I get(int r, const QuantBlock&) const { return sum[r]; }
};

#if defined(__ARM_FEATURE_MATMUL_INT8)

// A product of 2 weight rows by 2 activation rows over 8 k. Words wait for their neighbour; 4 rows
// of 4 k each and their next 4 k become two registers of 2 rows with 8 k.
template <SumKind kKind, int R>
struct SquareSums {
  static constexpr int kPairs = R / 2;
  static_assert(R % 2 == 0);
  I first[kPairs];   // weight rows 0, 1: [w0 x0, w0 x1, w1 x0, w1 x1]
  I second[kPairs];  // weight rows 2, 3
  B word[8];

  TENWATT_INLINE void start(const QuantBlock*, ptrdiff_t) {
#pragma GCC unroll 8
    for (int p = 0; p < kPairs; ++p) first[p] = second[p] = I{};
  }
  template <int j>
  TENWATT_INLINE void add(I bytes, const QuantBlock* x, ptrdiff_t stride) {
    word[j] = kKind.zero == 128 ? (B)bytes ^ static_cast<int8_t>(-128) : (B)bytes;
    // Four-bit codes come in the order 0, 4, 1, 5: both words of a pair are there after the odd
    // one.
    if constexpr (j % 2 == 1) {
      const B low = (B)vzip1q_s32((I)word[j - 1], (I)word[j]);
      const B high = (B)vzip2q_s32((I)word[j - 1], (I)word[j]);
#pragma GCC unroll 8
      for (int p = 0; p < kPairs; ++p) {
        const int8_t* even = x[2 * p * stride].code + 4 * (j - 1);
        const int8_t* odd = x[(2 * p + 1) * stride].code + 4 * (j - 1);
        const B both = vcombine_s8(vld1_s8(even), vld1_s8(odd));
        first[p] = vmmlaq_s32(first[p], low, both);
        second[p] = vmmlaq_s32(second[p], high, both);
      }
    }
  }
  TENWATT_INLINE I get(int r, const QuantBlock& x) const {
    const I a = first[r / 2], b = second[r / 2];
    const I raw = r % 2 ? vuzp2q_s32(a, b) : vuzp1q_s32(a, b);
    if constexpr (kKind.zero == 0 || kKind.zero == 128) return raw;
    return raw + offset_of<kKind.zero>(set1(offset_in<kKind>(x)));
  }
};

template <bool kSquare>
struct SumsOf {
  template <SumKind kKind, int R>
  using Type = LaneSums<kKind, R>;
};
template <>
struct SumsOf<true> {
  template <SumKind kKind, int R>
  using Type = SquareSums<kKind, R>;
};
template <SumKind kKind, int R>
using RowSums = typename SumsOf<R % 2 == 0>::template Type<kKind, R>;

constexpr int kTileRows = 8;

#else

template <SumKind kKind, int R>
using RowSums = LaneSums<kKind, R>;

constexpr int kTileRows = 4;

#endif

#else

// Pairs of products are added in 16 bits, where a chain must not overflow: 8 additions of bytes up
// to 15, or 4 up to 31, or 4 of any that has its zero taken off from the start (additions wrap, so
// only the final sum counts). Full bytes are multiplied as magnitudes with the sign moved to the
// other side.
template <SumKind kKind, int R>
struct RowSums {
  static constexpr bool kBytes = kKind.zero == 128;
  static constexpr bool kHalf = kKind.part != Part::kWhole;
  static constexpr int kChains = !kHalf && kKind.largest > 15 ? 2 : 1;
  static_assert(kBytes || kHalf || kKind.largest <= 31);
  I whole[R];
  Partial pairs[R][kChains];

  TENWATT_INLINE void start(const QuantBlock* x, ptrdiff_t stride) {
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      whole[r] = I{};
#pragma GCC unroll 2
      for (int c = 0; c < kChains; ++c) pairs[r][c] = Partial{};
      if constexpr (kHalf && kKind.zero != 0) {
        const int16_t* eighth = x[r * stride].pair_offset[kKind.part == Part::kHigh];
        pairs[r][0] = offset_of<kKind.zero>((Partial)spread4(eighth));
      }
    }
  }
  template <int j>
  TENWATT_INLINE void add(I bytes, const QuantBlock* x, ptrdiff_t stride) {
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const B four = spread4(x[r * stride].code + 4 * j);
      if constexpr (kBytes) {
        whole[r] = dot_offset_bytes(whole[r], (B)bytes, four);
        __asm__("" : "+x"(whole[r]));
      } else {
        Partial& chain = pairs[r][kChains == 2 ? j / 4 : 0];
        chain = dot_nibbles(chain, (B)bytes, four);
        __asm__("" : "+x"(chain));  // or GCC 12 multiplies everything before it adds anything
      }
    }
  }
  TENWATT_INLINE I get(int r, const QuantBlock& x) const {
    if constexpr (kBytes) return whole[r];
    I sum = finish(pairs[r][0]);
    if constexpr (kChains == 2) sum += finish(pairs[r][1]);
    if constexpr (kHalf || kKind.zero == 0) return sum;
    return sum + offset_of<kKind.zero>(set1(x.offset));
  }
};

constexpr int kTileRows = W == 8 ? 4 : 2;

#endif

}  // namespace
