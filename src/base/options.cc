// Precedence and checks; the TOML file is read in options_file.cc.
#include "base/options.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>

#include "base/options_file.h"

namespace tenwatt {
namespace {

template <class Number>
std::optional<Number> parse(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<bool> parse_switch(std::string_view text) {
  if (text == "true" || text == "1" || text == "yes" || text == "on") return true;
  if (text == "false" || text == "0" || text == "no" || text == "off" || text.empty()) return false;
  return std::nullopt;
}

std::string joined(std::span<const std::string_view> words) {
  std::string text;
  for (std::string_view word : words) {
    if (!text.empty()) text += ", ";
    text += word;
  }
  return text;
}

// What would have been a value of this option, or nothing if `text` is one.
std::string complaint(const OptionSpec& spec, const std::string& text) {
  if (spec.type == OptionType::kSwitch && !parse_switch(text)) return "true or false";
  if (spec.type == OptionType::kInteger && !parse<int64_t>(text)) return "a whole number";
  if (spec.type == OptionType::kNumber) {
    const auto value = parse<double>(text);
    if (!value || !std::isfinite(*value)) return "a number";
  }
  if (!spec.choices.empty() && std::ranges::find(spec.choices, text) == spec.choices.end()) {
    return "one of " + joined(spec.choices);
  }
  return {};
}

Status check(const OptionSpec& spec, const std::vector<std::string>& texts,
             const std::string& place) {
  for (const std::string& text : texts) {
    const std::string expected = complaint(spec, text);
    if (expected.empty()) continue;
    return fail(ErrorCode::kUsage, place + ": '" + text + "' is not " + expected);
  }
  return {};
}

std::vector<std::string> split_at_commas(const std::string& text) {
  std::vector<std::string> parts;
  size_t begin = 0;
  while (begin <= text.size()) {
    const size_t end = std::min(text.find(',', begin), text.size());
    if (end > begin) parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

std::optional<std::string> process_environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value != nullptr ? std::optional<std::string>(value) : std::nullopt;
}

struct Found {
  OptionSource source = OptionSource::kNone;
  std::vector<std::string> texts;
  std::string place;
};

Found look_up(const OptionSpec& spec, const OptionInputs& inputs, const FileValues& file) {
  const auto given = inputs.command_line.find(spec.name);
  if (given != inputs.command_line.end()) {
    return {OptionSource::kCommandLine, given->second, "--" + std::string(spec.name)};
  }
  const std::string variable = environment_name(spec.name);
  const auto value =
      inputs.environment ? inputs.environment(variable) : process_environment(variable);
  if (value) {
    const bool is_list = spec.type == OptionType::kList;
    return {OptionSource::kEnvironment,
            is_list ? split_at_commas(*value) : std::vector<std::string>{*value}, variable};
  }
  const auto row = file.find(spec.name);
  if (row != file.end()) {
    return {OptionSource::kFile, row->second, inputs.file + ": " + std::string(spec.name)};
  }
  if (!spec.default_value.empty()) {
    return {OptionSource::kDefault, {std::string(spec.default_value)}, "default"};
  }
  return {};
}

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
    }
  }
  return row.back();
}

}  // namespace

Result<OptionValues> resolve_options(std::span<const OptionSpec> table,
                                     const OptionInputs& inputs) {
  FileValues file;
  if (!inputs.file.empty()) {
    file = TENWATT_TRY(read_option_file(inputs.file, inputs.section));
  }
  OptionValues values;
  for (const OptionSpec& spec : table) {
    Found found = look_up(spec, inputs, file);
    TENWATT_TRY(check(spec, found.texts, found.place));
    values.values_[std::string(spec.name)] = {found.source, std::move(found.texts)};
  }
  return values;
}

const OptionValues::Value* OptionValues::find(std::string_view name) const {
  const auto found = values_.find(name);
  return found != values_.end() ? &found->second : nullptr;
}

OptionSource OptionValues::source(std::string_view name) const {
  const Value* value = find(name);
  return value != nullptr ? value->source : OptionSource::kNone;
}

std::string OptionValues::text(std::string_view name) const {
  const Value* value = find(name);
  return value != nullptr && !value->texts.empty() ? value->texts.back() : std::string{};
}

bool OptionValues::on(std::string_view name) const {
  return parse_switch(text(name)).value_or(false);
}

int64_t OptionValues::integer(std::string_view name) const {
  return parse<int64_t>(text(name)).value_or(0);
}

double OptionValues::number(std::string_view name) const {
  return parse<double>(text(name)).value_or(0);
}

std::vector<std::string> OptionValues::list(std::string_view name) const {
  const Value* value = find(name);
  return value != nullptr ? value->texts : std::vector<std::string>{};
}

std::string environment_name(std::string_view option) {
  std::string name = "TENWATT_";
  for (char letter : option) {
    const bool lower = letter >= 'a' && letter <= 'z';
    name += letter == '-' ? '_' : lower ? static_cast<char>(letter - 'a' + 'A') : letter;
  }
  return name;
}

std::string nearest_name(std::string_view word, std::span<const std::string_view> candidates) {
  std::string_view best;
  size_t best_distance = std::max<size_t>(1, word.size() / 2);
  for (std::string_view candidate : candidates) {
    const size_t distance = edit_distance(word, candidate);
    if (distance > best_distance || (distance == best_distance && !best.empty())) continue;
    best = candidate;
    best_distance = distance;
  }
  return std::string(best);
}

}  // namespace tenwatt
