#include "text/byte_alphabet.h"

#include <array>

#include "text/unicode.h"

namespace tenwatt::text {
namespace {

constexpr bool is_itself(int byte) {
  return (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
}

constexpr auto kCharacterOfByte = [] {
  std::array<char32_t, 256> table{};
  char32_t next = 0x100;
  for (int byte = 0; byte < 256; ++byte) {
    table[byte] = is_itself(byte) ? static_cast<char32_t>(byte) : next++;
  }
  return table;
}();

constexpr int kAlphabetEnd = 0x100 + 68;

constexpr auto kByteOfCharacter = [] {
  std::array<int, kAlphabetEnd> table{};
  table.fill(-1);
  for (int byte = 0; byte < 256; ++byte) table[kCharacterOfByte[byte]] = byte;
  return table;
}();

}  // namespace

char32_t byte_character(uint8_t byte) { return kCharacterOfByte[byte]; }

std::string bytes_of_spelling(std::string_view spelling) {
  std::string out;
  out.reserve(spelling.size());
  for (size_t at = 0; at < spelling.size();) {
    const CodePoint point = decode_first(spelling.substr(at));
    const int byte = point.value < kAlphabetEnd ? kByteOfCharacter[point.value] : -1;
    if (byte >= 0) {
      out += static_cast<char>(byte);
    } else {
      out.append(spelling, at, point.bytes);
    }
    at += point.bytes;
  }
  return out;
}

std::string spelling_of_bytes(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) append_utf8(out, byte_character(static_cast<uint8_t>(c)));
  return out;
}

}  // namespace tenwatt::text
