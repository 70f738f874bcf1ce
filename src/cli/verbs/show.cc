// tenwatt show: everything that is known of one model, by name or by path.
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

std::string as_json(const ModelInfo& model) {
  JsonWriter json;
  json.begin_object();
  json.member("name", model.name).member("kind", model.kind);
  json.member("description", model.description).member("licence", model.licence);
  json.member("origin", model.origin).member("bytes", model.bytes);
  json.member("installed", model.installed).member("default", model.is_default);
  json.key("files").begin_array();
  for (const ModelFileInfo& file : model.files) {
    json.begin_object();
    json.member("path", file.path).member("bytes", file.bytes).member("sha256", file.sha256);
    json.member("installed", file.installed).member("sources", file.sources);
    json.end_object();
  }
  return json.end_array().end_object().text() + "\n";
}

std::string as_text(const ModelInfo& model) {
  std::string text = fmt::format("{} ({}): {}\n", model.name, model.kind, model.description);
  if (!model.licence.empty()) text += fmt::format("licence:   {}\n", model.licence);
  text += fmt::format("origin:    {}\nsize:      {}\n", model.origin, human_bytes(model.bytes));
  text += fmt::format("installed: {}\n", model.installed ? "yes" : "no");
  for (const ModelFileInfo& file : model.files) {
    text += fmt::format("\n{}{}\n  {} bytes{}{}\n", file.path, file.installed ? "" : " (missing)",
                        file.bytes, file.sha256.empty() ? "" : ", sha256 ", file.sha256);
    for (const std::string& source : file.sources) text += "  from " + source + "\n";
  }
  return text;
}

Status run(const Invocation& invocation) {
  const ModelInfo model = TENWATT_TRY(show_model(invocation.arguments.front()));
  return print(invocation.options.on("json") ? as_json(model) : as_text(model));
}

}  // namespace

const Verb kShowVerb = {
    .name = "show",
    .help = "what a model is: files, digests, licence and sources",
    .positionals = {"MODEL", 1, 1,
                    "a name (tenwatt list), hf:OWNER/NAME, or the path of a file or folder"},
    .options = kOptions,
    .run = run,
};

}  // namespace tenwatt::cli
