#include "tenwatt/network.h"

#include <charconv>

#include "api/runtime_impl.h"
#include "exchange/onnx_import.h"
#include "files/npy.h"
#include "graph/ir/bind.h"

namespace tenwatt {
namespace {

Array to_array(const Tensor& tensor) {
  return {.type = std::string(info(tensor.format()).name),
          .shape = tensor.shape(),
          .bytes = {tensor.bytes().begin(), tensor.bytes().end()}};
}

Result<Tensor> to_tensor(const Array& array) {
  const auto format = format_by_name(array.type);
  if (!format) {
    return fail(ErrorCode::kInvalidArgument, "there is no element type '" + array.type + "'");
  }
  Tensor tensor = TENWATT_TRY(Tensor::create(*format, array.shape));
  if (tensor.bytes().size() != array.bytes.size()) {
    return fail(ErrorCode::kInvalidArgument, "an array of shape " + to_string(array.shape) +
                                                 " has " + std::to_string(array.bytes.size()) +
                                                 " bytes");
  }
  std::ranges::copy(array.bytes, tensor.mutable_bytes().begin());
  return tensor;
}

/// "name=1,80,3000" onto the graph's input.
Status fix_shape(graph::Graph& graph, const std::string& text) {
  const size_t equals = text.find('=');
  const auto bad = [&](const std::string& why) {
    return fail(ErrorCode::kInvalidArgument, "the shape '" + text + "' " + why,
                "write NAME=1,80,3000");
  };
  if (equals == std::string::npos) return bad("names no input");
  const auto id = graph.find_value(text.substr(0, equals));
  if (!id || !graph.is_input(*id)) return bad("names no input of this graph");
  Shape shape;
  const char* at = text.data() + equals + 1;
  const char* end = text.data() + text.size();
  while (at < end) {
    int64_t extent = 0;
    const auto [next, error] = std::from_chars(at, end, extent);
    if (error != std::errc() || extent < 0) return bad("is not a list of sizes");
    shape.push_back(extent);
    at = next < end && *next == ',' ? next + 1 : next;
    if (next < end && *next != ',') return bad("is not a list of sizes");
  }
  graph::Bindings bindings;
  TENWATT_TRY(graph::bind_shape(graph, *id, shape, bindings));
  for (size_t s = 0; s < bindings.size(); ++s) {
    if (bindings[s]) {
      graph::substitute(graph, static_cast<graph::SymbolId>(s), graph::Dim(*bindings[s]));
    }
  }
  return {};
}

}  // namespace

struct Network::Impl {
  std::shared_ptr<Runtime> runtime;
  std::shared_ptr<engine::Program> program;
  std::vector<Port> inputs;
  std::vector<Port> outputs;
};

Result<Array> read_npy(const std::string& path) {
  return to_array(TENWATT_TRY(files::read_npy(path)));
}

Status write_npy(const std::string& path, const Array& array) {
  return files::write_npy(path, TENWATT_TRY(to_tensor(array)));
}

Network::Network(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Network::~Network() = default;

Result<std::shared_ptr<Network>> Network::open(std::shared_ptr<Runtime> runtime,
                                               const std::string& name_or_path,
                                               const NetworkOptions& options) {
  const std::string path = TENWATT_TRY(resolve_model(name_or_path)).main;
  graph::Graph graph = TENWATT_TRY(exchange::import_onnx(path));
  for (const std::string& shape : options.shapes) TENWATT_TRY(fix_shape(graph, shape));
  if (graph.name.empty()) graph.name = "network";
  auto impl = std::make_unique<Impl>();
  engine::ProgramOptions program = TENWATT_TRY(runtime->impl().program_options("network", path));
  for (const std::string& shape : options.shapes) program.source += "/" + shape;
  auto prepared = engine::Program::prepare(std::move(graph), std::move(program));
  if (!prepared) return fail_in(path, prepared.error());
  impl->runtime = std::move(runtime);
  impl->program = std::move(*prepared);
  const graph::Graph& planned = impl->program->graph();
  const auto port = [&](graph::ValueId id) {
    const graph::Value& value = planned.value(id);
    std::string shape;
    for (const graph::Dim& dim : value.type.shape) {
      shape += (shape.empty() ? "" : ", ") + dim.to_string(planned.symbol_names());
    }
    return Port{value.name, std::string(info(value.type.format).name), "[" + shape + "]"};
  };
  for (graph::ValueId id : planned.inputs) impl->inputs.push_back(port(id));
  for (graph::ValueId id : planned.outputs) impl->outputs.push_back(port(id));
  return std::shared_ptr<Network>(new Network(std::move(impl)));
}

const std::vector<Network::Port>& Network::inputs() const { return impl_->inputs; }
const std::vector<Network::Port>& Network::outputs() const { return impl_->outputs; }

Result<std::map<std::string, Array>> Network::run(const std::map<std::string, Array>& inputs,
                                                  const NetworkRun& options) const {
  engine::Batch batch;
  const graph::Graph& graph = impl_->program->graph();
  for (const auto& [name, array] : inputs) {
    const auto id = graph.find_value(name);
    if (!id || !graph.is_input(*id)) {
      std::string all;
      for (const Port& port : impl_->inputs) all += (all.empty() ? "" : ", ") + port.name;
      return fail(ErrorCode::kInvalidArgument, "the graph has no input '" + name + "'",
                  "its inputs are: " + all);
    }
    batch.inputs.emplace(name, TENWATT_TRY(to_tensor(array)));
  }
  for (const Port& port : impl_->inputs) {
    if (inputs.contains(port.name)) continue;
    return fail(ErrorCode::kInvalidArgument,
                "the input " + port.name + " " + port.shape + " " + port.type + " is missing",
                "add --input " + port.name + "=FILE.npy");
  }
  std::map<std::string, Array> results;
  engine::RunOptions run;
  run.cancel = options.cancel;
  run.taps = options.taps;
  run.tap = [&](const std::string& name, const Tensor& content) {
    results.insert_or_assign(name, to_array(content));
  };
  for (const std::string& tap : options.taps) {
    if (graph.find_value(tap)) continue;
    return fail(ErrorCode::kInvalidArgument, "the planned graph has no value '" + tap + "'",
                "list its values with: tenwatt explain MODEL");
  }
  const std::vector<Tensor> outputs = TENWATT_TRY(impl_->program->run(batch, run));
  for (size_t i = 0; i < outputs.size(); ++i) {
    results.insert_or_assign(impl_->outputs[i].name, to_array(outputs[i]));
  }
  for (const std::string& tap : options.taps) {
    if (results.contains(tap)) continue;
    return fail(
        ErrorCode::kInvalidArgument, "no device computes the value '" + tap + "'",
        "it is an input, a constant or part of a shape: tap a value that depends on inputs");
  }
  return results;
}

Placement Network::placement() const { return to_placement(engine::explain(*impl_->program)); }

}  // namespace tenwatt
