// The tables behind the spoken filter: which characters are pictures, which tags hide what they
// enclose, how an address is read. Pure functions of complete strings.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tenwatt::text {

/// Emoji, dingbats, arrows and other pictures without a sound.
bool is_picture(char32_t value);

/// Characters that only change how others look or are laid out.
bool is_invisible(char32_t value);

enum class TagKind {
  kUnknown,  ///< no tag: the text stays as it is
  kInline,   ///< the tag goes, its contents stay
  kBlock,    ///< likewise, and a line ends there
  kHidden,   ///< the contents go too
};

/// By the name in lower case, without the slash.
TagKind tag_kind(std::string_view name);

/// "https://www.example.com:80/a?b" as "example.com".
std::string spoken_address(std::string_view address);

/// Whether inline code can be read as words: letters, digits, and marks within names.
bool reads_as_words(std::string_view code);

/// An entity such as "&amp;" at the start of `text`.
struct Entity {
  std::string_view spelling;
  std::string_view text;
};
struct EntityMatch {
  std::optional<Entity> entity;
  bool may_become_one = false;  ///< `text` ends within a known spelling
};
EntityMatch match_entity(std::string_view text);

}  // namespace tenwatt::text
