// Runs folders of ONNX cases in one process: NAME/model.onnx on NAME/input_K.npy, K counting the
// graph's inputs. The outputs of the program and of the reference operators are written beside them
// as program_K.npy and reference_K.npy, and each prints a line: "NAME program ok" or "NAME program
// refused WHY". The line is printed before the next case begins, so a crash or a hang has a name.
//
// usage: run_onnx_cases FOLDER FIRST [SECONDS]   (cases with a name >= FIRST, in order)
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "exchange/onnx_import.h"
#include "files/npy.h"
#include "graph/reference/reference.h"
#include "tenwatt/network.h"

namespace {

using namespace tenwatt;
namespace fs = std::filesystem;

std::string numbered(const fs::path& folder, const char* stem, size_t index) {
  return (folder / (stem + std::string("_") + std::to_string(index) + ".npy")).string();
}

Status run_program(const fs::path& folder, const std::shared_ptr<Runtime>& runtime) {
  const auto network = TENWATT_TRY(Network::open(runtime, (folder / "model.onnx").string()));
  std::map<std::string, Array> inputs;
  for (const Network::Port& port : network->inputs()) {
    inputs.emplace(port.name, TENWATT_TRY(read_npy(numbered(folder, "input", inputs.size()))));
  }
  const auto results = TENWATT_TRY(network->run(inputs));
  for (size_t i = 0; i < network->outputs().size(); ++i) {
    const Array& result = results.at(network->outputs()[i].name);
    TENWATT_TRY(write_npy(numbered(folder, "program", i), result));
  }
  return {};
}

Status run_reference(const fs::path& folder, const std::shared_ptr<Runtime>&) {
  auto graph = TENWATT_TRY(exchange::import_onnx((folder / "model.onnx").string()));
  std::map<std::string, Tensor> inputs;
  for (const graph::ValueId id : graph.inputs) {
    const std::string path = numbered(folder, "input", inputs.size());
    const Tensor input = TENWATT_TRY(files::read_npy(path));
    // Nothing is planned, so the extents are these.
    graph.value(id).type.shape.assign(input.shape().begin(), input.shape().end());
    inputs.emplace(graph.value(id).name, input);
  }
  const auto results = TENWATT_TRY(graph::evaluate(graph, inputs));
  for (size_t i = 0; i < graph.outputs.size(); ++i) {
    const Tensor& result = results.at(graph.value(graph.outputs[i]).name);
    TENWATT_TRY(files::write_npy(numbered(folder, "reference", i), result));
  }
  return {};
}

struct Side {
  const char* name;
  Status (*run)(const fs::path&, const std::shared_ptr<Runtime>&);
};
constexpr Side kSides[] = {{"program", run_program}, {"reference", run_reference}};

std::string one_line(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  return text;
}

}  // namespace

int main(int count, char** words) {
  if (count < 3) {
    std::cerr << "usage: run_onnx_cases FOLDER FIRST [SECONDS]\n";
    return 2;
  }
  const unsigned seconds = count > 3 ? static_cast<unsigned>(std::atoi(words[3])) : 20;
  RuntimeOptions options;
  options.device = "cpu";
  options.precision = "exact";
  options.threads = 2;
  options.keep_artifacts = false;
  const auto runtime = Runtime::create(options);
  if (!runtime) {
    std::cerr << runtime.error().message << "\n";
    return 2;
  }
  std::vector<fs::path> folders;
  for (const auto& entry : fs::directory_iterator(words[1])) {
    if (entry.path().filename().string() >= words[2]) folders.push_back(entry.path());
  }
  std::ranges::sort(folders);
  for (const fs::path& folder : folders) {
    for (const Side& side : kSides) {
      std::cout << folder.filename().string() << " " << side.name << " " << std::flush;
      alarm(seconds);
      const Status status = side.run(folder, *runtime);
      alarm(0);
      std::cout << (status ? "ok" : "refused " + one_line(status.error().message)) << std::endl;
    }
  }
  return 0;
}
