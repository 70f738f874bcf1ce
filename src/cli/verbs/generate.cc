// tenwatt generate: raw continuation of a text, without a chat template.
#include <fmt/format.h>

#include <array>

#include "base/log.h"
#include "cli/json.h"
#include "cli/model_options.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "tenwatt/model.h"

namespace tenwatt::cli {
namespace {

constexpr std::array kOptions = {
    OptionSpec{.name = "prompt", .letter = 'p', .value_name = "TEXT", .help = "text to continue"},
    kMaxTokensOption,
    kTemperatureOption,
    kTopPOption,
    kTopKOption,
    kContextOption,
    kChunkOption,
    OptionSpec{.name = "json", .type = OptionType::kSwitch, .help = "as JSON"},
};

std::string as_json(const Generation& generation) {
  JsonWriter json;
  json.begin_object();
  json.member("ids", generation.ids).member("text", generation.text);
  json.member("stop", generation.stop);
  json.key("top").begin_array();
  for (const RankedToken& token : generation.first_step) {
    json.begin_object().member("id", token.id).member("logprob", token.log_probability);
    json.member("piece", token.piece).end_object();
  }
  json.end_array();
  json.member("prompt_tokens", generation.stats.prompt_tokens);
  json.member("prefill_s", generation.stats.prefill_seconds);
  json.member("decode_s", generation.stats.decode_seconds);
  return json.end_object().text() + "\n";
}

Status run(const Invocation& invocation) {
  const GenerateOptions options = TENWATT_TRY(generate_options(invocation));
  if (!invocation.options.has("prompt")) {
    return fail(ErrorCode::kUsage, "there is no prompt to continue", "give some text with -p");
  }
  const auto runtime = TENWATT_TRY(open_runtime(invocation));
  const bool json = invocation.options.on("json");
  const auto model = TENWATT_TRY(open_model(runtime, invocation, invocation.arguments[0]));
  Status printed;
  const Generation generation = TENWATT_TRY(
      model->generate(invocation.options.text("prompt"), options, [&](std::string_view piece) {
        if (!json) printed = print(piece);
        return printed.has_value();
      }));
  TENWATT_TRY(Status(printed));
  TENWATT_TRY(print(json ? as_json(generation) : "\n"));
  if (generation.stop == "cancelled") {
    return fail(ErrorCode::kCancelled, fmt::format("stopped after {} of {} tokens",
                                                   generation.ids.size(), options.max_tokens));
  }
  const bool full = generation.stop == "length" &&
                    static_cast<int64_t>(generation.ids.size()) < options.max_tokens;
  if (full) {
    log_warning(fmt::format("stopped after {} tokens: the context of {} is full",
                            generation.ids.size(), model->facts().context));
  }
  return {};
}

}  // namespace

const Verb kGenerateVerb = {
    .name = "generate",
    .help = "continue a text with a language model, without a chat template",
    .positionals = {.name = "MODEL", .minimum = 1, .maximum = 1, .help = "name or path"},
    .options = kOptions,
    .group = OptionGroup::kRuntime,
    .run = run,
};

}  // namespace tenwatt::cli
