#include "text/spoken_marks.h"

#include <algorithm>
#include <array>

#include "text/unicode.h"

namespace tenwatt::text {
namespace {

struct Range {
  char32_t first, last;
};

constexpr std::array kPictures = {
    Range{0x2190, 0x21FF},   Range{0x2300, 0x23FF},   Range{0x2460, 0x24FF},
    Range{0x2500, 0x27BF},   Range{0x27F0, 0x27FF},   Range{0x2900, 0x297F},
    Range{0x2B00, 0x2BFF},   Range{0x3030, 0x3030},   Range{0x303D, 0x303D},
    Range{0x3297, 0x3299},   Range{0xE000, 0xF8FF},   Range{0xFFFC, 0xFFFD},
    Range{0x1F000, 0x1FAFF}, Range{0x1FB00, 0x1FBFF}, Range{0xE0020, 0xE007F},
};

constexpr std::array kInvisible = {
    Range{0x0, 0x1F},        Range{0x7F, 0x9F},     Range{0xAD, 0xAD},     Range{0x200B, 0x200B},
    Range{0x200E, 0x200F},   Range{0x202A, 0x202E}, Range{0x2060, 0x206F}, Range{0x20E3, 0x20E3},
    Range{0xFE00, 0xFE0F},   Range{0xFEFF, 0xFEFF}, Range{0xFFF0, 0xFFFB}, Range{0xE0000, 0xE001F},
    Range{0xE0080, 0xE01EF},
};

template <size_t N>
bool in_any(const std::array<Range, N>& ranges, char32_t value) {
  return std::ranges::any_of(
      ranges, [value](const Range& r) { return r.first <= value && value <= r.last; });
}

struct TagRow {
  std::string_view names;  ///< between spaces, with one at each end
  TagKind kind;
};

constexpr std::array kTags = {
    TagRow{" think thinking thought reasoning tool tools tool_call tool_calls tool_response "
           "tool_result function_call function_calls function invoke script style svg pre ",
           TagKind::kHidden},
    TagRow{" br hr p div ul ol li table thead tbody tr h1 h2 h3 h4 h5 h6 blockquote details "
           "summary section article ",
           TagKind::kBlock},
    TagRow{" a b i u s em strong span sup sub small mark kbd code img font center del ins q td th "
           "answer response output final ",
           TagKind::kInline},
};

constexpr std::array kEntities = {
    Entity{"&amp;", "&"}, Entity{"&lt;", "<"},   Entity{"&gt;", ">"},   Entity{"&quot;", "\""},
    Entity{"&#39;", "'"}, Entity{"&apos;", "'"}, Entity{"&nbsp;", " "},
};

}  // namespace

bool is_picture(char32_t value) { return in_any(kPictures, value); }
bool is_invisible(char32_t value) { return in_any(kInvisible, value); }

TagKind tag_kind(std::string_view name) {
  const std::string wanted = " " + std::string(name) + " ";
  for (const TagRow& row : kTags) {
    if (row.names.contains(wanted)) return row.kind;
  }
  return TagKind::kUnknown;
}

std::string spoken_address(std::string_view address) {
  if (const size_t scheme = address.find("://"); scheme != std::string_view::npos) {
    address.remove_prefix(scheme + 3);
  }
  address = address.substr(0, address.find_first_of("/?#"));
  if (const size_t user = address.rfind('@'); user != std::string_view::npos) {
    address.remove_prefix(user + 1);
  }
  address = address.substr(0, address.find(':'));
  if (ascii_lower(address.substr(0, 4)) == "www.") address.remove_prefix(4);
  std::string out;
  while (!address.empty()) {
    const CodePoint point = decode_first(address);
    const bool is_mark = point.value == '.' || point.value == '-';
    if (is_mark || is_letter_or_number(point.value)) out += address.substr(0, point.bytes);
    address.remove_prefix(point.bytes);
  }
  return out;
}

bool reads_as_words(std::string_view code) {
  constexpr std::string_view kMarks = " ._-'";
  return code.size() <= 40 && std::ranges::all_of(code, [&](char c) {
           return is_ascii_letter(c) || is_digit(c) || kMarks.contains(c) || (c & 0x80) != 0;
         });
}

EntityMatch match_entity(std::string_view text) {
  EntityMatch match;
  for (const Entity& entity : kEntities) {
    if (text.starts_with(entity.spelling)) return {entity, false};
    match.may_become_one |= entity.spelling.starts_with(text);
  }
  return match;
}

}  // namespace tenwatt::text
