// The only file that includes CLI11 (it costs seconds to compile). The help is written by help.cc,
// from the same tables.
#include "cli/parse.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "base/options.h"

namespace tenwatt::cli {
namespace {

std::string flag_names(const OptionSpec& spec) {
  std::string names = "--" + std::string(spec.name);
  if (spec.letter != 0) names += std::string(",-") + spec.letter;
  return names;
}

// CLI11 names the words it could not place; the first flag among them gets a suggestion.
std::unexpected<Error> unknown_words(const Verb& verb, const std::vector<std::string>& words) {
  const std::string help = "tenwatt " + std::string(verb.name) + " --help";
  const auto flag = std::ranges::find_if(
      words, [](const auto& word) { return word.size() > 1 && word[0] == '-'; });
  if (flag == words.end()) {
    return fail(ErrorCode::kUsage, "too many arguments: '" + words.front() + "'", help);
  }
  std::vector<std::string> names;
  for (const OptionSpec& spec : all_options(verb)) names.push_back("--" + std::string(spec.name));
  const std::vector<std::string_view> views(names.begin(), names.end());
  const std::string near = nearest_name(flag->substr(0, flag->find('=')), views);
  return fail(ErrorCode::kUsage, "tenwatt " + std::string(verb.name) + " has no flag " + *flag,
              near.empty() ? help : near);
}

Status check_count(const Verb& verb, size_t count) {
  const Positionals& wanted = verb.positionals;
  const std::string help = "tenwatt " + std::string(verb.name) + " --help";
  if (count < wanted.minimum) {
    return fail(ErrorCode::kUsage,
                "tenwatt " + std::string(verb.name) + " wants " + std::string(wanted.name), help);
  }
  if (count > wanted.maximum) return fail(ErrorCode::kUsage, "too many arguments", help);
  return {};
}

}  // namespace

Result<ParsedLine> parse_line(const Verb& verb, std::span<const std::string> words) {
  const std::vector<OptionSpec> table = all_options(verb);
  std::map<std::string_view, std::vector<std::string>> texts;
  ParsedLine line;
  CLI::App app;
  app.set_help_flag();
  app.allow_extras();
  app.add_flag("--help,-h", line.help);
  for (const OptionSpec& spec : table) {
    if (spec.type == OptionType::kSwitch) {
      app.add_flag(flag_names(spec));
      continue;
    }
    CLI::Option* option = app.add_option(flag_names(spec), texts[spec.name]);
    option->expected(1)->allow_extra_args(false);
    if (spec.type == OptionType::kList)
      option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    if (spec.type != OptionType::kList) {
      option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    }
  }
  app.add_option("arguments", line.arguments)->expected(0, static_cast<int>(words.size()) + 1);
  const auto end_of_flags = std::ranges::find(words, "--");
  try {
    // CLI11 takes words from the back.
    std::vector<std::string> reversed(std::make_reverse_iterator(end_of_flags), words.rend());
    app.parse(reversed);
  } catch (const CLI::Error& error) {
    return fail(ErrorCode::kUsage, error.what(), "tenwatt " + std::string(verb.name) + " --help");
  }
  for (const OptionSpec& spec : table) {
    const size_t count = app.count("--" + std::string(spec.name));
    if (count == 0) continue;
    const bool is_switch = spec.type == OptionType::kSwitch;
    line.options[std::string(spec.name)] =
        is_switch ? std::vector<std::string>(count, "true") : texts[spec.name];
  }
  if (end_of_flags != words.end()) {
    line.arguments.insert(line.arguments.end(), end_of_flags + 1, words.end());
  }
  if (const auto rest = app.remaining(); !rest.empty()) return unknown_words(verb, rest);
  if (!line.help) TENWATT_TRY(check_count(verb, line.arguments.size()));
  return line;
}

}  // namespace tenwatt::cli
