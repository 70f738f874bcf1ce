// Tables and their reading, side by side.
#include "cli/common_options.h"

#include <array>

#include "base/log.h"

namespace tenwatt::cli {
namespace {

constexpr std::array<std::string_view, 2> kPrecisions = {"exact", "fast"};
constexpr std::array<std::string_view, 2> kMemories = {"auto", "map"};

constexpr std::array kGeneral = {
    OptionSpec{.name = "quiet", .letter = 'q', .type = OptionType::kSwitch, .help = "errors only"},
    OptionSpec{.name = "verbose",
               .letter = 'v',
               .type = OptionType::kSwitch,
               .help = "say more; -vv for everything"},
    OptionSpec{.name = "config", .value_name = "FILE", .help = "options from a TOML file"},
};

constexpr std::array kRuntime = {
    OptionSpec{.name = "device",
               .default_value = "auto",
               .value_name = "NAMES",
               .help = "devices in order of preference: auto, or NAME[:KEY=VALUE][,NAME]"},
    OptionSpec{.name = "place",
               .type = OptionType::kList,
               .value_name = "PART=NAMES",
               .help = "devices of one part: text-encoder, flow, vocoder, encoder, decoder "
                       "or decode"},
    OptionSpec{.name = "precision",
               .default_value = "fast",
               .value_name = "exact|fast",
               .help = "exact for comparisons, fast where quality gates have passed",
               .choices = kPrecisions},
    OptionSpec{.name = "level",
               .value_name = "NAME",
               .help = "instruction level of the CPU kernels (tenwatt doctor lists them)"},
    OptionSpec{.name = "threads",
               .letter = 't',
               .type = OptionType::kInteger,
               .value_name = "N",
               .help = "threads of the CPU (default: all cores)"},
    OptionSpec{.name = "memory",
               .default_value = "auto",
               .value_name = "auto|map",
               .help = "packed weights in huge pages and kept for the next start, or less memory",
               .choices = kMemories},
    OptionSpec{.name = "strict",
               .type = OptionType::kSwitch,
               .help = "fail instead of falling back to another device"},
    OptionSpec{.name = "trace",
               .value_name = "FILE",
               .help = "write what ran when, for Perfetto or chrome://tracing"},
    OptionSpec{.name = "seed",
               .type = OptionType::kInteger,
               .default_value = "0",
               .value_name = "N",
               .help = "seed of everything random"},
    OptionSpec{.name = "offline", .type = OptionType::kSwitch, .help = "never use the network"},
};

constexpr int64_t kMostThreads = 256;

}  // namespace

std::span<const OptionSpec> general_option_table() { return kGeneral; }
std::span<const OptionSpec> runtime_option_table() { return kRuntime; }

Result<RuntimeOptions> runtime_options(const OptionValues& options) {
  const int64_t threads = options.integer("threads");
  if (threads < 0 || threads > kMostThreads) {
    return fail(ErrorCode::kUsage, "--threads " + std::to_string(threads),
                "a number from 1 to " + std::to_string(kMostThreads) + ", or 0 for all cores");
  }
  RuntimeOptions runtime;
  runtime.device = options.text("device");
  runtime.place = options.list("place");
  runtime.precision = options.text("precision");
  runtime.level = options.text("level");
  runtime.strict = options.on("strict");
  runtime.threads = static_cast<int>(threads);
  runtime.keep_artifacts = options.text("memory") != "map";
  return runtime;
}

void apply_log_level(const OptionValues& options) {
  const size_t verbose = options.on("verbose") ? options.list("verbose").size() : 0;
  LogLevel level = LogLevel::kInformation;
  if (options.on("quiet")) level = LogLevel::kError;
  if (verbose == 1) level = LogLevel::kDebug;
  if (verbose > 1) level = LogLevel::kTrace;
  set_log_level(level);
}

}  // namespace tenwatt::cli
