#include "cli/configuration_keys.h"

#include <algorithm>
#include <string_view>

#include "base/log.h"
#include "base/options_file.h"
#include "cli/verb.h"

namespace tenwatt::cli {
namespace {

void add_names(const Verb& verb, std::vector<std::string_view>& names) {
  for (const OptionSpec& spec : all_options(verb)) names.push_back(spec.name);
}

/// The options that a table of the file may set; none if no verb has its name.
std::vector<std::string_view> options_of(const std::string& section) {
  std::vector<std::string_view> names;
  for (const Verb& verb : verbs()) {
    if (section.empty() || verb.name == section) add_names(verb, names);
  }
  return names;
}

std::string sentence(const FileKey& key, const std::vector<std::string_view>& names) {
  if (names.empty()) return "there is no verb '" + key.section + "' for its '" + key.key + "'";
  const std::string owner = key.section.empty() ? "no verb" : "tenwatt " + key.section;
  const std::string near = nearest_name(key.key, names);
  return owner + (key.section.empty() ? " has" : " doesn't have") + " the option '" + key.key +
         "'" + (near.empty() ? "" : "; perhaps '" + near + "'");
}

}  // namespace

Result<std::vector<std::string>> unknown_keys(const std::string& path) {
  std::vector<std::string> sentences;
  for (const FileKey& key : TENWATT_TRY(option_file_keys(path))) {
    const std::vector<std::string_view> names = options_of(key.section);
    if (std::ranges::find(names, key.key) != names.end()) continue;
    sentences.push_back(path + ": " + sentence(key, names));
  }
  return sentences;
}

Status warn_of_unknown_keys(const std::string& path) {
  for (const std::string& sentence : TENWATT_TRY(unknown_keys(path))) log_warning(sentence);
  return {};
}

}  // namespace tenwatt::cli
