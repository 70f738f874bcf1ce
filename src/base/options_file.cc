// The only file that includes toml++ (it costs seconds to compile).
#include "base/options_file.h"

#include <toml++/toml.h>

#include <charconv>

#include "base/paths.h"

namespace tenwatt {
namespace {

// A scalar as the text that the command line would have held; empty optional for anything else.
std::optional<std::string> scalar_text(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* integer = node.as_integer()) return std::to_string(integer->get());
  if (const auto* flag = node.as_boolean()) return flag->get() ? "true" : "false";
  const auto* number = node.as_floating_point();
  if (number == nullptr) return std::nullopt;
  char buffer[64];
  const auto written = std::to_chars(buffer, buffer + sizeof buffer, number->get());
  return std::string(buffer, written.ptr);
}

std::optional<std::vector<std::string>> texts_of(const toml::node& node) {
  if (auto text = scalar_text(node)) return std::vector{*text};
  const auto* list = node.as_array();
  if (list == nullptr) return std::nullopt;
  std::vector<std::string> texts;
  for (const toml::node& item : *list) {
    auto text = scalar_text(item);
    if (!text) return std::nullopt;
    texts.push_back(std::move(*text));
  }
  return texts;
}

Status collect(const toml::table& table, const std::string& path, FileValues& values) {
  for (const auto& [key, node] : table) {
    if (node.is_table()) continue;
    auto texts = texts_of(node);
    if (!texts) {
      return fail(ErrorCode::kUsage, path + ": the value of '" + std::string(key.str()) +
                                         "' is neither a scalar nor a list of scalars");
    }
    values[std::string(key.str())] = std::move(*texts);
  }
  return {};
}

Result<toml::table> parse(const std::string& path) {
  const std::string text = TENWATT_TRY(read_file(path, size_t{1} << 20));
  try {
    return toml::table(toml::parse(text, path));
  } catch (const toml::parse_error& error) {
    const auto begin = error.source().begin;
    return fail(ErrorCode::kUsage, path + ":" + std::to_string(begin.line) + ":" +
                                       std::to_string(begin.column) + ": " +
                                       std::string(error.description()));
  }
}

}  // namespace

Result<FileValues> read_option_file(const std::string& path, const std::string& section) {
  const toml::table root = TENWATT_TRY(parse(path));
  FileValues values;
  TENWATT_TRY(collect(root, path, values));
  if (section.empty()) return values;
  if (const auto* table = root[section].as_table()) TENWATT_TRY(collect(*table, path, values));
  return values;
}

Result<std::vector<FileKey>> option_file_keys(const std::string& path) {
  const toml::table root = TENWATT_TRY(parse(path));
  std::vector<FileKey> keys;
  for (const auto& [key, node] : root) {
    const std::string name(key.str());
    const toml::table* table = node.as_table();
    if (table == nullptr) {
      keys.push_back({"", name});
      continue;
    }
    for (const auto& [inner, value] : *table) keys.push_back({name, std::string(inner.str())});
  }
  return keys;
}

}  // namespace tenwatt
