// tenwatt infer: runs any ONNX graph.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "base/clock.h"
#include "cli/json.h"
#include "cli/model_options.h"
#include "cli/network_options.h"
#include "cli/output.h"
#include "cli/verbs.h"

namespace tenwatt::cli {
namespace {

constexpr std::array kOptions = {
    kInputOption,
    OptionSpec{.name = "output",
               .letter = 'o',
               .value_name = "FOLDER",
               .help = "writes each output as NAME.npy there; without it, shapes are printed"},
    kShapeOption,
    OptionSpec{.name = "tap",
               .type = OptionType::kList,
               .value_name = "VALUE",
               .help = "also give this inner value"},
    OptionSpec{.name = "repeat",
               .type = OptionType::kInteger,
               .value_name = "N",
               .help = "run it N times more, and say how long a run takes"},
    OptionSpec{.name = "json", .type = OptionType::kSwitch, .help = "names and shapes as JSON"},
};

constexpr int kMostRuns = 100000;

std::string file_name(std::string value) {
  for (char& letter : value) {
    if (letter == '/' || letter == '\\') letter = '_';
  }
  return value + ".npy";
}

std::string shape_text(const Array& array) {
  return fmt::format("{} [{}]", array.type, fmt::join(array.shape, ", "));
}

/// The median time of `repeat` runs, ms.
Result<double> time_runs(const Network& network, const std::map<std::string, Array>& inputs,
                         int repeat, const CancelFlag* cancel) {
  std::vector<double> times;
  for (int i = 0; i < repeat; ++i) {
    const Stopwatch watch;
    TENWATT_TRY(network.run(inputs, {.cancel = cancel}));
    times.push_back(1000 * watch.seconds());
  }
  std::ranges::nth_element(times, times.begin() + repeat / 2);
  return times[static_cast<size_t>(repeat / 2)];
}

Status run(const Invocation& invocation) {
  const bool timed = invocation.options.has("repeat");
  const int repeat = timed ? TENWATT_TRY(repeats(invocation, kMostRuns)) : 0;
  const auto network = TENWATT_TRY(open_network(invocation, invocation.arguments[0]));
  const auto inputs = TENWATT_TRY(network_inputs(invocation, *network));
  const auto results = TENWATT_TRY(
      network->run(inputs, {.taps = invocation.options.list("tap"), .cancel = invocation.cancel}));
  const std::string folder = invocation.options.text("output");
  if (!folder.empty()) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error)
      return fail(ErrorCode::kIo, "can't make " + folder + ": " + error.message(),
                  "name a folder that can be written with -o");
  }
  JsonWriter json;
  json.begin_object().key("outputs").begin_array();
  std::string text;
  for (const auto& [name, array] : results) {
    const std::string path = folder.empty() ? "" : folder + "/" + file_name(name);
    if (!path.empty()) TENWATT_TRY(write_npy(path, array));
    text += fmt::format("{} {}\n", name, shape_text(array));
    json.begin_object().member("name", name).member("type", array.type);
    json.member("shape", array.shape).member("file", path).end_object();
  }
  json.end_array();
  if (timed) {
    const double wall = TENWATT_TRY(time_runs(*network, inputs, repeat, invocation.cancel));
    text += fmt::format("a run takes {:.2f} ms\n", wall);
    json.member("wall_ms", wall);
  }
  json.end_object();
  return print(invocation.options.on("json") ? json.text() + "\n" : text);
}

}  // namespace

const Verb kInferVerb = {
    .name = "infer",
    .help = "run any ONNX graph on .npy files",
    .positionals = {.name = "MODEL.onnx",
                    .minimum = 1,
                    .maximum = 1,
                    .help = "the graph: a path, or a catalogue name"},
    .options = kOptions,
    .group = OptionGroup::kRuntime,
    .run = run,
};

}  // namespace tenwatt::cli
