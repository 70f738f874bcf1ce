// tenwatt infer: runs any ONNX graph.
#include <fmt/format.h>

#include <array>
#include <filesystem>

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
               .value_name = "NAME=FILE.npy",
               .help = "an input; once for each"},
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
};

std::string file_name(std::string value) {
  for (char& letter : value) {
    if (letter == '/' || letter == '\\') letter = '_';
  }
  return value + ".npy";
}

Result<std::map<std::string, Array>> read_inputs(const std::vector<std::string>& given) {
  std::map<std::string, Array> inputs;
  for (const std::string& text : given) {
    const size_t equals = text.find('=');
    if (equals == std::string::npos) {
      return fail(ErrorCode::kUsage, "--input " + text + " names no file", "write NAME=FILE.npy");
    }
    inputs.insert_or_assign(text.substr(0, equals), TENWATT_TRY(read_npy(text.substr(equals + 1))));
  }
  return inputs;
}

std::string shape_text(const Array& array) {
  return fmt::format("{} [{}]", array.type, fmt::join(array.shape, ", "));
}

Status run(const Invocation& invocation) {
  const auto runtime = TENWATT_TRY(open_runtime(invocation));
  const auto inputs = TENWATT_TRY(read_inputs(invocation.options.list("input")));
  const auto network = TENWATT_TRY(Network::open(runtime, invocation.arguments[0],
                                                 {.shapes = invocation.options.list("shape")}));
  const auto results = TENWATT_TRY(
      network->run(inputs, {.taps = invocation.options.list("tap"), .cancel = invocation.cancel}));
  const std::string folder = invocation.options.text("output");
  if (!folder.empty()) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error) return fail(ErrorCode::kIo, "can't make " + folder + ": " + error.message());
  }
  for (const auto& [name, array] : results) {
    if (!folder.empty()) TENWATT_TRY(write_npy(folder + "/" + file_name(name), array));
    TENWATT_TRY(print(fmt::format("{} {}\n", name, shape_text(array))));
  }
  return {};
}

}  // namespace

const Verb kInferVerb = {
    .name = "infer",
    .help = "run any ONNX graph on .npy files",
    .positionals = {.name = "MODEL.onnx", .minimum = 1, .maximum = 1, .help = "the graph"},
    .options = kOptions,
    .group = OptionGroup::kRuntime,
    .run = run,
};

}  // namespace tenwatt::cli
