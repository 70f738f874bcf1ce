#include "cli/network_options.h"

#include <filesystem>

#include "cli/model_options.h"

namespace tenwatt::cli {
namespace {

/// Whether the text after "NAME=" names a file; what can't be a number does too.
bool names_file(const std::string& text) {
  std::error_code ignored;
  const bool numbers = text.find_first_not_of("0123456789.,+-eE") == std::string::npos;
  const bool truths = text.starts_with("true") || text.starts_with("false");
  return std::filesystem::exists(text, ignored) || !(numbers || truths || text == "nan");
}

}  // namespace

Result<std::shared_ptr<Network>> open_network(const Invocation& invocation,
                                              const std::string& name_or_path) {
  const auto runtime = TENWATT_TRY(open_runtime(invocation));
  return Network::open(runtime, name_or_path, {.shapes = invocation.options.list("shape")});
}

Result<std::map<std::string, Array>> network_inputs(const Invocation& invocation,
                                                    const Network& network) {
  std::map<std::string, Array> inputs;
  for (const std::string& text : invocation.options.list("input")) {
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

}  // namespace tenwatt::cli
