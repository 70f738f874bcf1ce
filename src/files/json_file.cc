#include "files/json_file.h"

#include "base/memory.h"

namespace tenwatt::files {
namespace {

constexpr size_t kMaxBytes = size_t{64} << 20;
constexpr int kMaxDepth = 64;

bool nests_too_deep(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kMaxDepth) return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

}  // namespace

Result<nlohmann::json> parse_json(std::string_view text, const std::string& where) {
  if (nests_too_deep(text)) {
    return fail(ErrorCode::kCorrupt,
                where + " nests values deeper than " + std::to_string(kMaxDepth) + " levels");
  }
  nlohmann::json json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) return fail(ErrorCode::kCorrupt, where + " is not valid JSON");
  return json;
}

Result<nlohmann::json> read_json(const std::string& path) {
  const auto mapping = TENWATT_TRY(MappedFile::open(path));
  const auto bytes = mapping->bytes();
  if (bytes.size() > kMaxBytes) {
    return fail(ErrorCode::kOutOfRange, path + " is larger than 64 MB");
  }
  return parse_json({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path);
}

JsonView JsonView::at(const nlohmann::json& value, std::string_view key) const {
  return {value, where_ + ": " + std::string(key)};
}

std::unexpected<Error> JsonView::is_not(std::string_view wanted) const {
  return fail(ErrorCode::kCorrupt, where_ + " is not " + std::string(wanted));
}

const nlohmann::json* JsonView::find(std::string_view key) const {
  if (!json_->is_object()) return nullptr;
  const auto found = json_->find(std::string(key));
  return found == json_->end() || found->is_null() ? nullptr : &*found;
}

Result<JsonView> JsonView::object(std::string_view key) const {
  static const nlohmann::json kEmpty = nlohmann::json::object();
  const nlohmann::json* value = find(key);
  if (value == nullptr) return at(kEmpty, key);
  if (!value->is_object()) return at(*value, key).is_not("an object");
  return at(*value, key);
}

Result<int64_t> JsonView::integer(std::string_view key, int64_t fallback) const {
  const nlohmann::json* value = find(key);
  return value == nullptr ? Result<int64_t>(fallback) : at(*value, key).as_integer();
}

Result<double> JsonView::real(std::string_view key, double fallback) const {
  const nlohmann::json* value = find(key);
  if (value == nullptr) return fallback;
  if (!value->is_number()) return at(*value, key).is_not("a number");
  return value->get<double>();
}

Result<bool> JsonView::flag(std::string_view key, bool fallback) const {
  const nlohmann::json* value = find(key);
  if (value == nullptr) return fallback;
  if (!value->is_boolean()) return at(*value, key).is_not("true or false");
  return value->get<bool>();
}

Result<std::string> JsonView::text(std::string_view key, std::string_view fallback) const {
  const nlohmann::json* value = find(key);
  if (value == nullptr) return std::string(fallback);
  return at(*value, key).as_text();
}

Result<std::vector<int64_t>> JsonView::integers(std::string_view key) const {
  const nlohmann::json* value = find(key);
  return value == nullptr ? std::vector<int64_t>{} : at(*value, key).as_integers();
}

Result<std::vector<JsonView>> JsonView::items(std::string_view key) const {
  std::vector<JsonView> items;
  const nlohmann::json* value = find(key);
  if (value == nullptr) return items;
  if (!value->is_array()) return at(*value, key).is_not("a list");
  for (const nlohmann::json& item : *value) items.push_back(at(item, key));
  return items;
}

Result<std::vector<std::pair<std::string, JsonView>>> JsonView::members() const {
  std::vector<std::pair<std::string, JsonView>> members;
  if (!json_->is_object()) return is_not("an object");
  for (const auto& [key, value] : json_->items()) members.emplace_back(key, at(value, key));
  return members;
}

Result<std::string> JsonView::as_text() const {
  if (!json_->is_string()) return is_not("a string");
  return json_->get<std::string>();
}

Result<int64_t> JsonView::as_integer() const {
  if (!json_->is_number_integer()) return is_not("an integer");
  if (json_->is_number_unsigned() && json_->get<uint64_t>() > uint64_t{INT64_MAX}) {
    return is_not("an integer of 64 bits");
  }
  return json_->get<int64_t>();
}

Result<std::vector<int64_t>> JsonView::as_integers() const {
  if (!json_->is_array()) return is_not("a list");
  std::vector<int64_t> values;
  for (const nlohmann::json& item : *json_) {
    values.push_back(TENWATT_TRY(JsonView(item, where_).as_integer()));
  }
  return values;
}

Result<std::vector<std::string>> JsonView::as_texts() const {
  if (!json_->is_array()) return is_not("a list");
  std::vector<std::string> values;
  for (const nlohmann::json& item : *json_) {
    if (!item.is_string()) return is_not("a list of strings");
    values.push_back(item.get<std::string>());
  }
  return values;
}

}  // namespace tenwatt::files
