// tenwatt list: the catalogue and what of it is here.
#include <fmt/format.h>

#include <array>

#include "cli/json.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "tenwatt/store.h"

namespace tenwatt::cli {
namespace {

constexpr std::array kOptions = {
    OptionSpec{.name = "json", .type = OptionType::kSwitch, .help = "as JSON"},
};

std::string as_json(const std::vector<ModelInfo>& models) {
  JsonWriter json;
  json.begin_array();
  for (const ModelInfo& model : models) {
    json.begin_object();
    json.member("name", model.name).member("kind", model.kind).member("bytes", model.bytes);
    json.member("installed", model.installed).member("default", model.is_default);
    json.member("description", model.description);
    json.end_object();
  }
  return json.end_array().text() + "\n";
}

std::string as_table(const std::vector<ModelInfo>& models) {
  std::string text =
      fmt::format("{:<23} {:<15} {:>7}  {:<10} {}\n", "NAME", "KIND", "SIZE", "INSTALLED", "WHAT");
  for (const ModelInfo& model : models) {
    text += fmt::format("{:<23} {:<15} {:>7}  {:<10} {}{}\n", model.name, model.kind,
                        human_bytes(model.bytes), model.installed ? "yes" : "no", model.description,
                        model.is_default ? " (default)" : "");
  }
  return text;
}

Status run(const Invocation& invocation) {
  const std::vector<ModelInfo> models = list_models();
  return print(invocation.options.on("json") ? as_json(models) : as_table(models));
}

}  // namespace

const Verb kListVerb = {
    .name = "list",
    .help = "the models that can be had by name, and which are installed",
    .positionals = {},
    .options = kOptions,
    .run = run,
};

}  // namespace tenwatt::cli
