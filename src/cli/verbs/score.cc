// tenwatt score: how probable a model finds a text, position by position.
#include <fmt/format.h>

#include <array>
#include <utility>

#include "cli/json.h"
#include "cli/model_options.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "tenwatt/model.h"

namespace tenwatt::cli {
namespace {

constexpr std::array kOptions = {
    OptionSpec{.name = "prompt", .letter = 'p', .value_name = "TEXT", .help = "text to score"},
    OptionSpec{.name = "ids", .value_name = "FILE", .help = "token ids to score, a JSON list"},
    OptionSpec{.name = "top",
               .type = OptionType::kInteger,
               .default_value = "0",
               .value_name = "K",
               .help = "add the K best ids of each position"},
    OptionSpec{.name = "reference",
               .value_name = "FILE",
               .help = "compare with recorded log-probabilities: KL, perplexity, differences"},
    kContextOption,
    kChunkOption,
    OptionSpec{.name = "json", .type = OptionType::kSwitch, .help = "as JSON"},
};

Status print_positions(const std::vector<ScoredPosition>& positions, bool as_json) {
  if (!as_json) {
    std::string text;
    double sum = 0;
    for (const ScoredPosition& position : positions) {
      text +=
          fmt::format("{:>7} {:>10.4f}   best {:>7} {:>10.4f}\n", position.id,
                      position.log_probability, position.argmax, position.argmax_log_probability);
      sum += position.log_probability;
    }
    text += fmt::format("mean log-probability {:.4f} over {}\n",
                        sum / static_cast<double>(positions.size()),
                        counted(positions.size(), "position"));
    return print(text);
  }
  JsonWriter json;
  json.begin_object().key("positions").begin_array();
  for (const ScoredPosition& position : positions) {
    json.begin_object();
    json.member("id", position.id).member("logprob", position.log_probability);
    json.member("argmax", position.argmax);
    json.member("argmax_logprob", position.argmax_log_probability);
    if (!position.top.empty()) {
      json.key("top").begin_array();
      for (const RankedToken& token : position.top) {
        json.begin_object().member("id", token.id).member("logprob", token.log_probability);
        json.end_object();
      }
      json.end_array();
    }
    json.end_object();
  }
  return print(json.end_array().end_object().text() + "\n");
}

Status print_comparison(const ScoreComparison& comparison, bool as_json) {
  if (as_json) {
    JsonWriter json;
    json.begin_object();
    json.member("positions", comparison.positions).member("mean_kl", comparison.mean_kl);
    json.member("p99_kl", comparison.p99_kl).member("perplexity", comparison.perplexity);
    json.member("reference_perplexity", comparison.reference_perplexity);
    json.key("argmax_differences").begin_array();
    for (const auto& difference : comparison.argmax_differences) {
      json.begin_object().member("position", difference.position);
      json.member("ours", difference.ours).member("reference", difference.reference);
      json.member("margin", difference.margin).end_object();
    }
    return print(json.end_array().end_object().text() + "\n");
  }
  std::string text = fmt::format(
      "positions {}\nmean KL {:.5f}\n99th percentile KL {:.5f}\nperplexity {:.4f} (reference "
      "{:.4f})\nargmax differences {}\n",
      comparison.positions, comparison.mean_kl, comparison.p99_kl, comparison.perplexity,
      comparison.reference_perplexity, comparison.argmax_differences.size());
  for (const auto& difference : comparison.argmax_differences) {
    text += fmt::format("  position {} ours {} reference {} margin {:.3f}\n", difference.position,
                        difference.ours, difference.reference, difference.margin);
  }
  return print(text);
}

Status run(const Invocation& invocation) {
  const OptionValues& options = invocation.options;
  const int given = (options.has("prompt") ? 1 : 0) + (options.has("ids") ? 1 : 0) +
                    (options.has("reference") ? 1 : 0);
  if (given != 1) {
    return fail(ErrorCode::kUsage, "score needs exactly one of --prompt, --ids and --reference",
                "tenwatt score MODEL -p TEXT");
  }
  const ScoreOptions score{.top = options.integer("top"),
                           .chunk = TENWATT_TRY(chunk_option(invocation)),
                           .cancel = invocation.cancel};
  if (score.top < 0) {
    return fail(ErrorCode::kUsage, fmt::format("--top is {}", score.top), "choose 0 or more");
  }
  const auto runtime = TENWATT_TRY(open_runtime(invocation));
  const auto model = TENWATT_TRY(open_model(runtime, invocation, invocation.arguments[0]));
  if (options.has("reference")) {
    return print_comparison(TENWATT_TRY(model->compare(options.text("reference"), score)),
                            options.on("json"));
  }
  std::vector<int32_t> ids;
  if (options.has("ids")) {
    for (int64_t id : TENWATT_TRY(read_id_list(options.text("ids")))) {
      if (!std::in_range<int32_t>(id)) {
        return fail(ErrorCode::kInvalidArgument,
                    fmt::format("{}: {} is no token id", options.text("ids"), id));
      }
      ids.push_back(static_cast<int32_t>(id));
    }
  } else {
    ids = model->tokenize(options.text("prompt"), {.add_special = true}).ids;
  }
  return print_positions(TENWATT_TRY(model->score(ids, score)), options.on("json"));
}

}  // namespace

const Verb kScoreVerb = {
    .name = "score",
    .help = "log-probabilities of a text's tokens, or a comparison with recorded ones",
    .positionals = {.name = "MODEL", .minimum = 1, .maximum = 1, .help = "name or path"},
    .options = kOptions,
    .group = OptionGroup::kRuntime,
    .run = run,
};

}  // namespace tenwatt::cli
