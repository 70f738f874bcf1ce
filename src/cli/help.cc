// Two columns, the second wrapped at 100 columns.
#include "cli/help.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/paths.h"
#include "cli/common_options.h"

namespace tenwatt::cli {
namespace {

constexpr size_t kWidth = 100;

using Row = std::pair<std::string, std::string>;

// `text` broken at spaces into lines of at most `width`.
std::vector<std::string> wrapped(std::string_view text, size_t width) {
  std::vector<std::string> lines;
  while (text.size() > width) {
    size_t cut = text.rfind(' ', width);
    if (cut == std::string_view::npos || cut == 0) cut = width;
    lines.emplace_back(text.substr(0, cut));
    text.remove_prefix(text[cut] == ' ' ? cut + 1 : cut);
  }
  lines.emplace_back(text);
  return lines;
}

std::string columns(const std::vector<Row>& rows) {
  size_t first = 0;
  for (const Row& row : rows) first = std::max(first, row.first.size());
  std::string out;
  for (const auto& [left, right] : rows) {
    std::string head = left;
    for (const std::string& line : wrapped(right, kWidth - first - 4)) {
      out += fmt::format("  {:<{}}  {}\n", head, first, line);
      head.clear();
    }
  }
  return out;
}

Row option_row(const OptionSpec& spec) {
  std::string left = spec.letter != 0 ? fmt::format("-{}, ", spec.letter) : "    ";
  left += "--" + std::string(spec.name);
  if (!spec.value_name.empty()) left += " " + std::string(spec.value_name);
  std::string right(spec.help);
  if (spec.type == OptionType::kList) right += "; may be repeated";
  if (!spec.default_value.empty()) right += fmt::format(" (default: {})", spec.default_value);
  return {left, right};
}

std::string section(std::string_view title, std::span<const OptionSpec> options) {
  if (options.empty()) return {};
  std::vector<Row> rows;
  for (const OptionSpec& spec : options) rows.push_back(option_row(spec));
  return fmt::format("\n{}:\n{}", title, columns(rows));
}

}  // namespace

std::string program_help() {
  std::vector<Row> rows;
  for (const Verb& verb : verbs()) rows.emplace_back(verb.name, verb.help);
  return "usage: tenwatt VERB [OPTION...] [ARGUMENT...]\n\n"
         "Speech in, thought, speech out, on this machine.\n\n"
         "verbs:\n" +
         columns(rows) +
         "\n  tenwatt VERB --help tells more.\n\n"
         "Options come from the command line, then from TENWATT_* variables, then from --config\n"
         "FILE or " +
         configuration_folder() + "/config.toml.\n";
}

std::string verb_help(const Verb& verb) {
  std::string text = fmt::format("usage: tenwatt {} [OPTION...]", verb.name);
  if (!verb.positionals.name.empty()) text += fmt::format(" {}", verb.positionals.name);
  text += fmt::format("\n\n{}\n", verb.help);
  if (!verb.positionals.help.empty()) {
    text +=
        "\n" + columns({{std::string(verb.positionals.name), std::string(verb.positionals.help)}});
  }
  text += section("options", verb.options);
  if (verb.group == OptionGroup::kRuntime) text += section("where it runs", runtime_option_table());
  // The parser knows --help by itself; here it is a row like any other.
  std::vector<OptionSpec> general(general_option_table().begin(), general_option_table().end());
  general.push_back({.name = "help", .letter = 'h', .help = "this text"});
  return text + section("general", general);
}

}  // namespace tenwatt::cli
