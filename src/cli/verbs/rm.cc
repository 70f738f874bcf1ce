// tenwatt rm: deletes models.
#include "base/log.h"
#include "cli/verbs.h"
#include "tenwatt/store.h"

namespace tenwatt::cli {
namespace {

Status run(const Invocation& invocation) {
  for (const std::string& name : invocation.arguments) {
    TENWATT_TRY(remove_model(name));
    log_information("removed " + name);
  }
  return {};
}

}  // namespace

const Verb kRmVerb = {
    .name = "rm",
    .help = "delete models from this machine",
    .positionals = {"NAME...", 1, 100, "names (tenwatt list) or hf:OWNER/NAME[:FILE]"},
    .options = {},
    .run = run,
};

}  // namespace tenwatt::cli
