// tenwatt devices: the accelerators that this program can use here.
#include <fmt/format.h>

#include <array>

#include "cli/json.h"
#include "cli/model_options.h"
#include "cli/output.h"
#include "cli/verbs.h"

namespace tenwatt::cli {
namespace {

constexpr std::array kOptions = {
    OptionSpec{.name = "json", .type = OptionType::kSwitch, .help = "as JSON"},
};

Status run(const Invocation& invocation) {
  const auto runtime = TENWATT_TRY(open_runtime(invocation));
  const std::vector<DeviceReport> devices = runtime->devices();
  if (invocation.options.on("json")) {
    JsonWriter json;
    json.begin_array();
    for (const DeviceReport& device : devices) {
      json.begin_object();
      json.member("name", device.name).member("description", device.description);
      json.member("emulator", device.emulator).member("fixed_shapes", device.fixed_shapes);
      json.member("memory_bytes", device.memory_bytes);
      json.end_object();
    }
    return print(json.end_array().text() + "\n");
  }
  std::string text;
  for (const DeviceReport& device : devices) {
    text += fmt::format("{:<8} {}{}\n", device.name, device.description,
                        device.emulator ? " (an emulator: its speed means nothing)" : "");
  }
  return print(text);
}

}  // namespace

const Verb kDevicesVerb = {
    .name = "devices",
    .help = "the accelerators that can be used here",
    .positionals = {},
    .options = kOptions,
    .group = OptionGroup::kRuntime,
    .run = run,
};

}  // namespace tenwatt::cli
