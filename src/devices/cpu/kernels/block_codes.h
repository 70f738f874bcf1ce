// How the codes of a 32-k block lie in 64-byte lines, for words of any width: a 32-bit word (4 k of
// one row) when packing, a register of them (4 k of many rows) in kernels.
//
// Word j of a block holds k = 4j .. 4j+3, one code per byte. Codes of 5, 6 and 3 bits need no bit
// planes: every line holds whole codes in its low bits and pieces of the words that have no line of
// their own in the bits that are left over.
#pragma once

#include "devices/cpu/kernels/block_formats.h"

namespace tenwatt::cpu {
namespace {

template <int kValue>
struct Index {
  static constexpr int value = kValue;
};

#define TENWATT_FLAT inline __attribute__((always_inline))

/// The same byte in all four places.
constexpr int32_t bytes4(int byte) { return byte * 0x01010101; }

/// `load(line)` gives a line's word, `visit(Index<j>, word)` takes the codes of word j. Words 0-3
/// come before 4-7 except for four bits.
template <Bits kBits, class Load, class Visit>
TENWATT_FLAT void each_word(Load load, Visit visit) {
  if constexpr (kBits == Bits::kEight) {
    visit(Index<0>{}, load(0));
    visit(Index<1>{}, load(1));
    visit(Index<2>{}, load(2));
    visit(Index<3>{}, load(3));
    visit(Index<4>{}, load(4));
    visit(Index<5>{}, load(5));
    visit(Index<6>{}, load(6));
    visit(Index<7>{}, load(7));
  }
  if constexpr (kBits == Bits::kFour) {
    const auto nibbles = [&](auto line) __attribute__((always_inline)) {
      const auto both = load(line.value);
      visit(line, both & bytes4(15));
      visit(Index<line.value + 4>{}, (both >> 4) & bytes4(15));
    };
    nibbles(Index<0>{});
    nibbles(Index<1>{});
    nibbles(Index<2>{});
    nibbles(Index<3>{});
  }
  if constexpr (kBits == Bits::kFive) {
    const auto a = load(0);
    visit(Index<0>{}, a & bytes4(31));
    const auto b = load(1);
    visit(Index<1>{}, b & bytes4(31));
    const auto five = ((a >> 3) & bytes4(0x1c)) | ((b >> 6) & bytes4(3));
    const auto c = load(2);
    visit(Index<2>{}, c & bytes4(31));
    const auto d = load(3);
    visit(Index<3>{}, d & bytes4(31));
    const auto six = ((c >> 3) & bytes4(0x1c)) | ((d >> 6) & bytes4(3));
    const auto rest = ((b >> 4) & bytes4(2)) | ((d >> 5) & bytes4(1));
    const auto e = load(4);
    visit(Index<4>{}, e & bytes4(31));
    visit(Index<5>{}, five);
    visit(Index<6>{}, six);
    visit(Index<7>{}, ((e >> 3) & bytes4(0x1c)) | rest);
  }
  if constexpr (kBits == Bits::kSix) {
    const auto a = load(0);
    visit(Index<0>{}, a & bytes4(63));
    const auto b = load(1);
    visit(Index<1>{}, b & bytes4(63));
    const auto c = load(2);
    visit(Index<2>{}, c & bytes4(63));
    const auto six = ((a >> 2) & bytes4(0x30)) | ((b >> 4) & bytes4(0x0c)) | ((c >> 6) & bytes4(3));
    const auto d = load(3);
    visit(Index<3>{}, d & bytes4(63));
    const auto e = load(4);
    visit(Index<4>{}, e & bytes4(63));
    const auto f = load(5);
    visit(Index<5>{}, f & bytes4(63));
    visit(Index<6>{}, six);
    visit(Index<7>{},
          ((d >> 2) & bytes4(0x30)) | ((e >> 4) & bytes4(0x0c)) | ((f >> 6) & bytes4(3)));
  }
  if constexpr (kBits == Bits::kThree) {
    const auto a = load(0);
    visit(Index<0>{}, a & bytes4(7));
    visit(Index<1>{}, (a >> 3) & bytes4(7));
    const auto b = load(1);
    visit(Index<2>{}, b & bytes4(7));
    visit(Index<3>{}, (b >> 3) & bytes4(7));
    const auto c = load(2);
    visit(Index<4>{}, c & bytes4(7));
    visit(Index<5>{}, (c >> 3) & bytes4(7));
    visit(Index<6>{}, ((a >> 6) & bytes4(3)) | ((c >> 4) & bytes4(4)));
    visit(Index<7>{}, ((b >> 6) & bytes4(3)) | ((c >> 5) & bytes4(4)));
  }
  if constexpr (kBits == Bits::kTwo) {
    const auto a = load(0);
    visit(Index<0>{}, a & bytes4(3));
    visit(Index<1>{}, (a >> 2) & bytes4(3));
    visit(Index<2>{}, (a >> 4) & bytes4(3));
    visit(Index<3>{}, (a >> 6) & bytes4(3));
    const auto b = load(1);
    visit(Index<4>{}, b & bytes4(3));
    visit(Index<5>{}, (b >> 2) & bytes4(3));
    visit(Index<6>{}, (b >> 4) & bytes4(3));
    visit(Index<7>{}, (b >> 6) & bytes4(3));
  }
}

/// The inverse for one row: the words of a block (codes below 2^bits) to line words.
template <Bits kBits, class Store>
TENWATT_FLAT void pack_words(const uint32_t (&word)[8], Store store) {
  const auto piece = [&](int from, int shift, int mask, int to) {
    return ((word[from] >> shift) & static_cast<uint32_t>(bytes4(mask))) << to;
  };
  if constexpr (kBits == Bits::kEight) {
    for (int line = 0; line < 8; ++line) store(line, word[line]);
  }
  if constexpr (kBits == Bits::kFour) {
    for (int line = 0; line < 4; ++line) store(line, word[line] | word[line + 4] << 4);
  }
  if constexpr (kBits == Bits::kFive) {
    store(0, word[0] | piece(5, 2, 7, 5));
    store(1, word[1] | piece(5, 0, 3, 6) | piece(7, 1, 1, 5));
    store(2, word[2] | piece(6, 2, 7, 5));
    store(3, word[3] | piece(6, 0, 3, 6) | piece(7, 0, 1, 5));
    store(4, word[4] | piece(7, 2, 7, 5));
  }
  if constexpr (kBits == Bits::kSix) {
    for (int line = 0; line < 3; ++line) {
      store(line, word[line] | piece(6, 4 - 2 * line, 3, 6));
      store(line + 3, word[line + 3] | piece(7, 4 - 2 * line, 3, 6));
    }
  }
  if constexpr (kBits == Bits::kThree) {
    store(0, word[0] | word[1] << 3 | piece(6, 0, 3, 6));
    store(1, word[2] | word[3] << 3 | piece(7, 0, 3, 6));
    store(2, word[4] | word[5] << 3 | piece(6, 2, 1, 6) | piece(7, 2, 1, 7));
  }
  if constexpr (kBits == Bits::kTwo) {
    for (int line = 0; line < 2; ++line) {
      const uint32_t* four = word + 4 * line;
      store(line, four[0] | four[1] << 2 | four[2] << 4 | four[3] << 6);
    }
  }
}

}  // namespace
}  // namespace tenwatt::cpu
