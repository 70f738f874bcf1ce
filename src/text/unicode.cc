#include "text/unicode.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>

namespace tenwatt::text {
namespace {

/// Bytes of the character that `lead` opens, or 0 if it opens none.
uint32_t length_of(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead < 0xC2) return 0;
  if (lead < 0xE0) return 2;
  if (lead < 0xF0) return 3;
  return lead < 0xF5 ? 4 : 0;
}

/// Whether `second` may follow `lead` (rules out overlong forms, surrogates and > U+10FFFF).
bool may_follow(unsigned char lead, unsigned char second) {
  if ((second & 0xC0) != 0x80) return false;
  if (lead == 0xE0) return second >= 0xA0;
  if (lead == 0xED) return second < 0xA0;
  if (lead == 0xF0) return second >= 0x90;
  if (lead == 0xF4) return second < 0x90;
  return true;
}

bool is_white_space(char32_t c) {
  if (c >= 0x2000 && c <= 0x200A) return true;
  constexpr std::array kOthers = {0x20, 0x85, 0xA0, 0x1680, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000};
  return (c >= 9 && c <= 13) || std::ranges::find(kOthers, static_cast<int>(c)) != kOthers.end();
}

}  // namespace

CodePoint decode_first(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const uint32_t length = length_of(lead);
  if (length == 1) return {lead, 1};
  if (length == 0 || text.size() < length) return {};
  if (!may_follow(lead, static_cast<unsigned char>(text[1]))) return {};
  char32_t value = lead & (0x7F >> length);
  for (uint32_t i = 1; i < length; ++i) {
    const auto next = static_cast<unsigned char>(text[i]);
    if ((next & 0xC0) != 0x80) return {};
    value = value << 6 | (next & 0x3F);
  }
  return {value, length};
}

void append_utf8(std::string& out, char32_t value) {
  if (value > 0x10FFFF || (value >= 0xD800 && value < 0xE000)) return;
  std::array<utf8proc_uint8_t, 4> bytes;
  const auto count = utf8proc_encode_char(static_cast<utf8proc_int32_t>(value), bytes.data());
  out.append(reinterpret_cast<const char*>(bytes.data()), static_cast<size_t>(count));
}

size_t incomplete_tail(std::string_view text) {
  for (size_t back = 1; back <= std::min<size_t>(3, text.size()); ++back) {
    const auto lead = static_cast<unsigned char>(text[text.size() - back]);
    if ((lead & 0xC0) == 0x80) continue;
    if (length_of(lead) <= back) return 0;
    if (back >= 2 && !may_follow(lead, static_cast<unsigned char>(text[text.size() - back + 1]))) {
      return 0;
    }
    return back;
  }
  return 0;
}

CharClass char_class(char32_t value) {
  if (value > 0x10FFFF) return CharClass::kOther;
  if (is_white_space(value)) return CharClass::kSpace;
  const auto category = utf8proc_category(static_cast<utf8proc_int32_t>(value));
  if (category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO) {
    return CharClass::kLetter;
  }
  if (category >= UTF8PROC_CATEGORY_MN && category <= UTF8PROC_CATEGORY_ME) return CharClass::kMark;
  if (category >= UTF8PROC_CATEGORY_ND && category <= UTF8PROC_CATEGORY_NO) {
    return CharClass::kNumber;
  }
  if (category >= UTF8PROC_CATEGORY_PC && category <= UTF8PROC_CATEGORY_PO) {
    return CharClass::kPunctuation;
  }
  return CharClass::kOther;
}

bool is_lower(char32_t value) {
  return value <= 0x10FFFF &&
         utf8proc_category(static_cast<utf8proc_int32_t>(value)) == UTF8PROC_CATEGORY_LL;
}

bool is_letter_or_number(char32_t value) {
  const CharClass kind = char_class(value);
  return kind == CharClass::kLetter || kind == CharClass::kNumber;
}

std::string ascii_lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = ascii_lower(c);
  return out;
}

std::vector<std::string> decomposed_characters(std::string_view text) {
  std::string valid;
  valid.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const CodePoint point = decode_first(text.substr(at));
    if (point.value != kNotUtf8) valid.append(text, at, point.bytes);
    at += point.bytes;
  }
  utf8proc_uint8_t* mapped = nullptr;
  const auto size =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(valid.data()),
                   static_cast<utf8proc_ssize_t>(valid.size()), &mapped,
                   static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE));
  const std::string_view rest =
      size < 0 ? std::string_view(valid)
               : std::string_view(reinterpret_cast<const char*>(mapped), static_cast<size_t>(size));
  std::vector<std::string> out;
  for (size_t at = 0; at < rest.size();) {
    const uint32_t bytes = decode_first(rest.substr(at)).bytes;
    out.emplace_back(rest.substr(at, bytes));
    at += bytes;
  }
  free(mapped);
  return out;
}

}  // namespace tenwatt::text
