// UTF-8 and the few Unicode classes that the rest of this room asks for. Not a text library: no
// grapheme clusters, no collation. Bytes that are not UTF-8 are never an error here: each becomes
// one `Char` of class kOther that still knows its byte, so nothing is lost on the way.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tenwatt::text {

/// What the code point of a byte that is not UTF-8 reads as.
inline constexpr char32_t kNotUtf8 = 0xFFFFFFFF;

/// One decoded character: its code point (or kNotUtf8) and how many bytes it took.
struct CodePoint {
  char32_t value = kNotUtf8;
  uint32_t bytes = 1;
};

/// Decodes the first character of `text`, which must not be empty.
CodePoint decode_first(std::string_view text);

/// Appends a code point in UTF-8; code points that have no encoding are left out.
void append_utf8(std::string& out, char32_t value);

/// How many bytes at the end of `text` start a character whose rest has not arrived (0 to 3).
size_t incomplete_tail(std::string_view text);

/// The classes that pre-tokenisers tell apart. A character is in exactly one.
enum class CharClass : uint8_t { kSpace, kLetter, kMark, kNumber, kPunctuation, kOther };

/// Unicode White_Space, \p{L}, \p{M}, \p{N} (Nd, Nl, No), \p{P}, and everything else.
CharClass char_class(char32_t value);

bool is_lower(char32_t value);
bool is_letter_or_number(char32_t value);

inline bool is_digit(char c) { return c >= '0' && c <= '9'; }
inline bool is_ascii_upper(char c) { return c >= 'A' && c <= 'Z'; }
inline bool is_ascii_lower(char c) { return c >= 'a' && c <= 'z'; }
inline bool is_ascii_letter(char c) { return is_ascii_upper(c) || is_ascii_lower(c); }
inline char ascii_lower(char c) { return is_ascii_upper(c) ? static_cast<char>(c + 32) : c; }

/// `text` with A-Z made small; other bytes stay.
std::string ascii_lower(std::string_view text);

/// Canonical decomposition (NFD), cut into code points, each as UTF-8. Bytes that are not UTF-8
/// are left out.
std::vector<std::string> decomposed_characters(std::string_view text);

}  // namespace tenwatt::text
