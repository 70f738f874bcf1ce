#include "cli/model_options.h"

#include <charconv>

#include "base/log.h"
#include "base/paths.h"
#include "cli/common_options.h"

namespace tenwatt::cli {
namespace {

constexpr size_t kMostIdBytes = size_t{16} << 20;

}  // namespace

Result<std::shared_ptr<Runtime>> open_runtime(const Invocation& invocation) {
  return Runtime::create(TENWATT_TRY(runtime_options(invocation.options)));
}

Result<std::shared_ptr<Model>> open_model(const std::shared_ptr<Runtime>& runtime,
                                          const Invocation& invocation, const std::string& name) {
  auto model =
      TENWATT_TRY(Model::open(runtime, name, {.context = invocation.options.integer("context")}));
  for (const std::string& notice : model->facts().notices) log_warning(notice);
  return model;
}

GenerateOptions generate_options(const Invocation& invocation) {
  const OptionValues& options = invocation.options;
  GenerateOptions generate;
  generate.sampling.temperature = static_cast<float>(options.number("temperature"));
  generate.sampling.top_p = static_cast<float>(options.number("top-p"));
  generate.sampling.top_k = options.integer("top-k");
  generate.sampling.seed = static_cast<uint64_t>(options.integer("seed"));
  generate.max_tokens = options.integer("max-tokens");
  generate.chunk = options.has("chunk") ? options.integer("chunk") : 0;
  generate.cancel = invocation.cancel;
  return generate;
}

TranscribeOptions transcribe_options(const Invocation& invocation) {
  const OptionValues& options = invocation.options;
  TranscribeOptions transcribe;
  transcribe.language = options.text("lang");
  transcribe.fallback = !options.on("no-fallback");
  transcribe.context = !options.on("no-context");
  transcribe.cancel = invocation.cancel;
  return transcribe;
}

Result<SayOptions> say_options(const Invocation& invocation) {
  const OptionValues& options = invocation.options;
  SayOptions say;
  say.speaker = options.text("speaker");
  say.speed = static_cast<float>(options.number("speed"));
  if (options.has("noise")) say.noise = static_cast<float>(options.number("noise"));
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
