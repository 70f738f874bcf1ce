#include "cli/model_options.h"

#include <fmt/format.h>

#include <charconv>

#include "base/log.h"
#include "base/paths.h"
#include "cli/common_options.h"

namespace tenwatt::cli {
namespace {

constexpr size_t kMostIdBytes = size_t{16} << 20;
constexpr int64_t kMostTokens = int64_t{1} << 30;

/// The option as a number in low..high; kUsage, saying what may be given, if it isn't.
Result<double> number_within(const OptionValues& options, const char* name, double low,
                             double high) {
  const double value = options.number(name);
  if (value >= low && value <= high) return value;
  return fail(ErrorCode::kUsage, fmt::format("--{} is {}", name, value),
              fmt::format("choose {} to {}", low, high));
}

Result<int64_t> integer_within(const OptionValues& options, const char* name, int64_t low,
                               int64_t high) {
  const int64_t value = options.integer(name);
  if (value >= low && value <= high) return value;
  return fail(ErrorCode::kUsage, fmt::format("--{} is {}", name, value),
              fmt::format("choose {} to {}", low, high));
}

}  // namespace

Result<int> repeats(const Invocation& invocation, int most) {
  return static_cast<int>(TENWATT_TRY(integer_within(invocation.options, "repeat", 1, most)));
}

Result<std::shared_ptr<Runtime>> open_runtime(const Invocation& invocation) {
  auto runtime = Runtime::create(TENWATT_TRY(runtime_options(invocation.options)));
  if (!runtime && runtime.error().code == ErrorCode::kInvalidArgument) {
    runtime.error().code = ErrorCode::kUsage;
  }
  return runtime;
}

Result<std::shared_ptr<Model>> open_model(const std::shared_ptr<Runtime>& runtime,
                                          const Invocation& invocation, const std::string& name) {
  const int64_t context =
      TENWATT_TRY(integer_within(invocation.options, "context", 0, kMostTokens));
  auto model = TENWATT_TRY(Model::open(runtime, name, {.context = context}));
  if (context > model->facts().context) {
    log_warning(fmt::format("--context {}: the model was made for {} tokens, and that is used",
                            context, model->facts().context));
  }
  for (const std::string& notice : model->facts().notices) log_warning(notice);
  return model;
}

Result<GenerateOptions> generate_options(const Invocation& invocation) {
  const OptionValues& options = invocation.options;
  GenerateOptions generate;
  generate.sampling.temperature =
      static_cast<float>(TENWATT_TRY(number_within(options, "temperature", 0, 100)));
  // 0 would leave nothing to choose from.
  constexpr double kLeastTopP = 1e-6;
  generate.sampling.top_p =
      static_cast<float>(TENWATT_TRY(number_within(options, "top-p", kLeastTopP, 1)));
  generate.sampling.top_k = TENWATT_TRY(integer_within(options, "top-k", 0, kMostTokens));
  generate.sampling.seed = static_cast<uint64_t>(options.integer("seed"));
  generate.max_tokens = TENWATT_TRY(integer_within(options, "max-tokens", 0, kMostTokens));
  generate.chunk = TENWATT_TRY(chunk_option(invocation));
  generate.cancel = invocation.cancel;
  return generate;
}

Result<int64_t> chunk_option(const Invocation& invocation) {
  return integer_within(invocation.options, "chunk", 0, kMostTokens);
}

TranscribeOptions transcribe_options(const Invocation& invocation) {
  const OptionValues& options = invocation.options;
  TranscribeOptions transcribe;
  transcribe.language = options.text("lang");
  transcribe.fallback = !options.on("no-fallback");
  transcribe.context = !options.on("no-context");
  transcribe.seed = static_cast<uint64_t>(options.integer("seed"));
  transcribe.cancel = invocation.cancel;
  return transcribe;
}

Result<SayOptions> say_options(const Invocation& invocation) {
  const OptionValues& options = invocation.options;
  SayOptions say;
  say.speaker = options.text("speaker");
  say.speed = static_cast<float>(TENWATT_TRY(number_within(options, "speed", 0.25, 4)));
  if (options.has("noise")) {
    say.noise = static_cast<float>(TENWATT_TRY(number_within(options, "noise", 0, 10)));
  }
  say.seed = static_cast<uint64_t>(options.integer("seed"));
  say.cancel = invocation.cancel;
  return say;
}

Result<std::vector<int64_t>> read_id_list(const std::string& path) {
  const std::string text = TENWATT_TRY(read_file(path, kMostIdBytes));
  const auto broken = [&] {
    return fail(ErrorCode::kCorrupt, path + " is not a JSON list of integers",
                "write it as [1, 0, 41, 0, 2]");
  };
  const auto skip = [&](size_t at) {
    while (at < text.size() && std::string_view(" \t\r\n").contains(text[at])) ++at;
    return at;
  };
  size_t at = skip(0);
  if (at >= text.size() || text[at] != '[') return broken();
  std::vector<int64_t> ids;
  at = skip(at + 1);
  while (at < text.size() && text[at] != ']') {
    int64_t id = 0;
    const auto [end, error] = std::from_chars(text.data() + at, text.data() + text.size(), id);
    if (error != std::errc()) return broken();
    ids.push_back(id);
    at = skip(static_cast<size_t>(end - text.data()));
    if (at < text.size() && text[at] == ',') {
      at = skip(at + 1);
    } else if (at >= text.size() || text[at] != ']') {
      return broken();
    }
  }
  if (at >= text.size() || skip(at + 1) != text.size()) return broken();
  return ids;
}

}  // namespace tenwatt::cli
