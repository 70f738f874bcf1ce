// Small JSON files that come with models: read whole, with a bound, and looked at through a view
// that says in which file which key was wrong.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace tenwatt::files {

/// Parses a file of at most 64 MB: kNotFound, kIo, kOutOfRange, kCorrupt.
Result<nlohmann::json> read_json(const std::string& path);
/// Parses text that is part of a file; errors begin with `where`. kCorrupt also for values nested
/// deeper than any model's file nests them: each level costs many times the byte that opens it.
Result<nlohmann::json> parse_json(std::string_view text, const std::string& where);

/// A place in a parsed document. Missing keys give the fallback; a value of the wrong kind is
/// kCorrupt naming `where`. Borrows the document.
class JsonView {
 public:
  JsonView(const nlohmann::json& json, std::string where)
      : json_(&json), where_(std::move(where)) {}

  /// The value under `key`, or nothing (also for null).
  const nlohmann::json* find(std::string_view key) const;
  /// The object under `key`; an empty one if it's missing.
  Result<JsonView> object(std::string_view key) const;
  Result<int64_t> integer(std::string_view key, int64_t fallback) const;
  Result<double> real(std::string_view key, double fallback) const;
  Result<bool> flag(std::string_view key, bool fallback) const;
  Result<std::string> text(std::string_view key, std::string_view fallback) const;
  Result<std::vector<int64_t>> integers(std::string_view key) const;
  /// The elements of the array under `key`; none if it's missing.
  Result<std::vector<JsonView>> items(std::string_view key) const;
  /// The members of this object.
  Result<std::vector<std::pair<std::string, JsonView>>> members() const;
  Result<std::string> as_text() const;
  Result<int64_t> as_integer() const;
  Result<std::vector<int64_t>> as_integers() const;
  Result<std::vector<std::string>> as_texts() const;

 private:
  JsonView at(const nlohmann::json& value, std::string_view key) const;
  std::unexpected<Error> is_not(std::string_view wanted) const;

  const nlohmann::json* json_;
  std::string where_;
};

}  // namespace tenwatt::files
