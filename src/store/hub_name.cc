// A revision may contain slashes ("refs/pr/1"); on disk they become a character that revisions
// can't have, so that one repository's revisions are folders side by side.
#include "store/hub_name.h"

#include <algorithm>

namespace tenwatt::store {
namespace {

constexpr std::string_view kPrefix = "hf:";
constexpr size_t kMaxPart = 200;

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

// One part of an id: plain characters, and not "." or "..", nor hidden.
bool is_part(std::string_view text) {
  return !text.empty() && text.size() <= kMaxPart && text.front() != '.' &&
         std::ranges::all_of(text, is_plain);
}

template <class Accept>
bool every_part(std::string_view path, Accept accept) {
  for (size_t begin = 0;;) {
    const size_t end = std::min(path.find('/', begin), path.size());
    if (!accept(path.substr(begin, end - begin))) return false;
    if (end == path.size()) return true;
    begin = end + 1;
  }
}

std::unexpected<Error> not_a_name(std::string_view text) {
  return fail(ErrorCode::kInvalidArgument, "not a model of the hub: " + std::string(text),
              "write hf:OWNER/NAME, hf:OWNER/NAME:FILE or hf:OWNER/NAME@REVISION:FILE");
}

}  // namespace

std::string HubName::repository_text() const {
  return std::string(kPrefix) + id() + (revision == "main" ? "" : "@" + revision);
}

std::string HubName::text() const { return repository_text() + (file.empty() ? "" : ":" + file); }

std::string HubName::folder() const {
  std::string flat = revision;
  std::ranges::replace(flat, '/', '+');
  return "hf/" + id() + "/" + flat;
}

bool is_hub_name(std::string_view text) { return text.starts_with(kPrefix); }

Result<HubName> parse_hub_name(std::string_view text) {
  if (!is_hub_name(text)) return not_a_name(text);
  std::string_view rest = text.substr(kPrefix.size());
  HubName name;
  if (const size_t colon = rest.find(':'); colon != std::string_view::npos) {
    name.file = rest.substr(colon + 1);
    if (!is_safe_path(name.file)) return not_a_name(text);
    rest = rest.substr(0, colon);
  }
  if (const size_t at = rest.find('@'); at != std::string_view::npos) {
    name.revision = rest.substr(at + 1);
    if (!every_part(name.revision, is_part)) return not_a_name(text);
    rest = rest.substr(0, at);
  }
  const size_t slash = rest.find('/');
  if (slash == std::string_view::npos) return not_a_name(text);
  name.owner = rest.substr(0, slash);
  name.name = rest.substr(slash + 1);
  if (!is_part(name.owner) || !is_part(name.name)) return not_a_name(text);
  return name;
}

bool is_safe_path(std::string_view path) {
  if (path.size() > 1024 || path.ends_with(".part") || path.ends_with(".part.etag")) return false;
  return every_part(path, [](std::string_view part) {
    const bool hidden = part.empty() || part.front() == '.';
    return !hidden && part.size() <= kMaxPart && std::ranges::none_of(part, [](char c) {
      return static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '\\';
    });
  });
}

}  // namespace tenwatt::store
