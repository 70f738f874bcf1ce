// The options that several verbs share, and what they mean to the runtime.
#pragma once

#include <span>

#include "base/options.h"
#include "base/result.h"
#include "tenwatt/runtime.h"

namespace tenwatt::cli {

/// Options of every verb: -q, -v, --config.
std::span<const OptionSpec> general_option_table();
/// Options of verbs that run a model: --device, --threads, --precision ...
std::span<const OptionSpec> runtime_option_table();

/// The runtime that the options ask for. kUsage for a number of threads that makes no sense.
Result<RuntimeOptions> runtime_options(const OptionValues& options);
/// Sets the log's level from -q and -v.
void apply_log_level(const OptionValues& options);

}  // namespace tenwatt::cli
