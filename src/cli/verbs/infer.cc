// tenwatt infer: runs any ONNX graph.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "base/clock.h"
#include "cli/json.h"
#include "cli/model_options.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "tenwatt/network.h"

namespace tenwatt::cli {
namespace {

constexpr std::array kOptions = {
    OptionSpec{.name = "input",
               .letter = 'i',
               .type = OptionType::kList,
               .value_name = "NAME=FILE.npy|NUMBERS",
               .help = "an input: a file, a number (sr=16000) or a list (1,2,3); once for each"},
    OptionSpec{.name = "output",
               .letter = 'o',
               .value_name = "FOLDER",
               .help = "writes each output as NAME.npy there; without it, shapes are printed"},
    OptionSpec{.name = "shape",
               .type = OptionType::kList,
               .value_name = "NAME=1,80,3000",
               .help = "fixes the shape of an input"},
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

std::string file_name(std::string value) {
  for (char& letter : value) {
    if (letter == '/' || letter == '\\') letter = '_';
  }
  return value + ".npy";
}

/// Whether the text after "NAME=" names a file; what can't be a number does too.
bool names_file(const std::string& text) {
  std::error_code ignored;
  const bool numbers = text.find_first_not_of("0123456789.,+-eE") == std::string::npos;
  const bool truths = text.starts_with("true") || text.starts_with("false");
  return std::filesystem::exists(text, ignored) || !(numbers || truths || text == "nan");
}

Result<std::map<std::string, Array>> read_inputs(const Network& network,
                                                 const std::vector<std::string>& given) {
  std::map<std::string, Array> inputs;
  for (const std::string& text : given) {
    const size_t equals = text.find('=');
    if (equals == std::string::npos || equals + 1 == text.size()) {
      return fail(ErrorCode::kUsage, "--input " + text + " gives no value",
                  "write NAME=FILE.npy, or a number for a scalar: sr=16000");
    }
    const std::string name = text.substr(0, equals);
    const std::string value = text.substr(equals + 1);
    inputs.insert_or_assign(
        name, TENWATT_TRY(names_file(value) ? read_npy(value) : network.literal(name, value)));
  }
  return inputs;
}

std::string shape_text(const Array& array) {
  return fmt::format("{} [{}]", array.type, fmt::join(array.shape, ", "));
}

/// The median time of `repeat` runs, ms.
Result<double> time_runs(const Network& network, const std::map<std::string, Array>& inputs,
                         int64_t repeat, const CancelFlag* cancel) {
  if (repeat < 1 || repeat > 100000) {
    return fail(ErrorCode::kUsage, "--repeat must be between 1 and 100000", "--repeat 10");
  }
  std::vector<double> times;
  for (int64_t i = 0; i < repeat; ++i) {
    const Stopwatch watch;
    TENWATT_TRY(network.run(inputs, {.cancel = cancel}));
    times.push_back(1000 * watch.seconds());
  }
  std::ranges::nth_element(times, times.begin() + repeat / 2);
  return times[static_cast<size_t>(repeat / 2)];
}

Status run(const Invocation& invocation) {
  const auto runtime = TENWATT_TRY(open_runtime(invocation));
  const auto network = TENWATT_TRY(Network::open(runtime, invocation.arguments[0],
                                                 {.shapes = invocation.options.list("shape")}));
  const auto inputs = TENWATT_TRY(read_inputs(*network, invocation.options.list("input")));
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
  if (invocation.options.has("repeat")) {
    const double wall = TENWATT_TRY(
        time_runs(*network, inputs, invocation.options.integer("repeat"), invocation.cancel));
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
