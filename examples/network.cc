// Any ONNX graph: prints its inputs and outputs, and runs it on what NumPy saved.
//   network MODEL.onnx [INPUT=FILE.npy]...
#include <cstdio>
#include <map>
#include <string>

#include "tenwatt/network.h"

namespace {

void print(const char* what, const tenwatt::Network::Port& port) {
  std::printf("%s %s: %s %s\n", what, port.name.c_str(), port.type.c_str(), port.shape.c_str());
}

tenwatt::Status run(const std::string& path, int count, char** words) {
  const auto runtime = TENWATT_TRY(tenwatt::Runtime::create());
  const auto network = TENWATT_TRY(tenwatt::Network::open(runtime, path));
  for (const auto& port : network->inputs()) print("input", port);
  for (const auto& port : network->outputs()) print("output", port);
  if (count == 0) return {};

  std::map<std::string, tenwatt::Array> inputs;
  for (int i = 0; i < count; ++i) {
    const std::string word = words[i];
    const size_t equals = word.find('=');
    if (equals == std::string::npos) {
      return tenwatt::fail(tenwatt::ErrorCode::kUsage, "'" + word + "' is no input",
                           "write INPUT=FILE.npy");
    }
    inputs[word.substr(0, equals)] = TENWATT_TRY(tenwatt::read_npy(word.substr(equals + 1)));
  }
  // An input that is missing or has the wrong type or shape is an error that says which.
  for (const auto& [name, array] : TENWATT_TRY(network->run(inputs))) {
    std::printf("%s has %zu bytes of %s", name.c_str(), array.bytes.size(), array.type.c_str());
    const auto floats = tenwatt::array_values<float>(array);
    if (floats && !floats->empty()) {
      std::printf(", the first is %g", static_cast<double>(floats->front()));
    }
    std::printf("\n");
  }
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: network MODEL.onnx [INPUT=FILE.npy]...\n");
    return 2;
  }
  const auto status = run(argv[1], argc - 2, argv + 2);
  if (status) return 0;
  std::fprintf(stderr, "error: %s\n  try: %s\n", status.error().message.c_str(),
               status.error().remedy.c_str());
  return tenwatt::exit_code(status.error().code);
}
