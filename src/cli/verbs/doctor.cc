// tenwatt doctor: what is here, what is missing, and how to get it.
#include "tenwatt/doctor.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "cli/json.h"
#include "cli/output.h"
#include "cli/verbs.h"

namespace tenwatt::cli {
namespace {

constexpr std::array kOptions = {
    OptionSpec{.name = "json", .type = OptionType::kSwitch, .help = "as JSON"},
};

std::string_view health_name(Health health) {
  constexpr std::array<std::string_view, 3> kNames = {"ok", "slow", "missing"};
  return kNames.at(static_cast<size_t>(health));
}

std::string as_json(const std::vector<Check>& checks) {
  JsonWriter json;
  json.begin_array();
  for (const Check& check : checks) {
    json.begin_object();
    json.member("name", check.name).member("health", health_name(check.health));
    json.member("finding", check.finding).member("remedy", check.remedy);
    json.end_object();
  }
  return json.end_array().text() + "\n";
}

std::string as_text(const std::vector<Check>& checks) {
  size_t width = 0;
  for (const Check& check : checks) width = std::max(width, check.name.size());
  std::string text;
  const auto row = [&](std::string_view health, std::string_view name, const std::string& words) {
    text += fmt::format("{:<8} {:<{}} {}\n", health, name, width, words);
  };
  for (const Check& check : checks) {
    row(health_name(check.health), check.name, check.finding);
    if (!check.remedy.empty()) row("", "", "try: " + check.remedy);
  }
  return text;
}

Status run(const Invocation& invocation) {
  const std::vector<Check> checks = examine_machine();
  TENWATT_TRY(print(invocation.options.on("json") ? as_json(checks) : as_text(checks)));
  const auto missing = std::ranges::count(checks, Health::kMissing, &Check::health);
  if (missing == 0) return {};
  return fail(ErrorCode::kNotFound,
              fmt::format("{} of {} checks found something missing", missing, checks.size()),
              "what stands beside each of them");
}

}  // namespace

const Verb kDoctorVerb = {
    .name = "doctor",
    .help = "what this machine has and lacks, each lack with its remedy",
    .positionals = {},
    .options = kOptions,
    .run = run,
};

}  // namespace tenwatt::cli
