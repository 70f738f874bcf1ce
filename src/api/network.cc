#include "tenwatt/network.h"

#include <algorithm>
#include <charconv>
#include <mutex>

#include "api/literal.h"
#include "api/runtime_impl.h"
#include "api/staged_program.h"
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

constexpr std::string_view kRandom = "RandomNormalLike";

bool has_random_nodes(const graph::Graph& graph) {
  return std::ranges::any_of(graph.nodes(),
                             [](const graph::Node& node) { return node.op == kRandom; });
}

/// Random nodes get a seed, so that they draw their numbers themselves.
graph::Graph with_seeds(graph::Graph graph) {
  for (size_t i = 0; i < graph.nodes().size(); ++i) {
    graph::Node& node = graph.node(static_cast<graph::NodeId>(i));
    if (node.op == kRandom) node.attributes.emplace("seed", 0.0f);
  }
  return graph;
}

Network::Port port_of(const graph::Graph& graph, graph::ValueId id,
                      const std::vector<std::string>& symbols) {
  const graph::Value& value = graph.value(id);
  std::string shape;
  for (const graph::Dim& dim : value.type.shape) {
    shape += (shape.empty() ? "" : ", ") + dim.to_string(symbols);
  }
  return {value.name, std::string(info(value.type.format).name), "[" + shape + "]"};
}

std::string titles(const std::vector<Network::Port>& ports) {
  std::string all;
  for (const Network::Port& port : ports) {
    all += (all.empty() ? "" : ", ") + port.name + " " + port.type + " " + port.shape;
  }
  return all;
}

}  // namespace

struct Network::Impl {
  std::shared_ptr<Runtime> runtime;
  graph::Graph graph;  ///< as imported
  StagedProgram::Prepare prepare;
  std::unique_ptr<StagedProgram> programs;
  std::vector<Port> inputs;
  std::vector<Port> outputs;

  // What few runs need, made by the first that does.
  mutable std::mutex mutex;
  mutable std::unique_ptr<StagedProgram> with_noise;  ///< random numbers are inputs
  mutable std::unique_ptr<StagedProgram> for_one_run;

  /// Programs whose random numbers are inputs, made when somebody gives some.
  Result<const StagedProgram*> programs_with_noise() const {
    const std::scoped_lock lock(mutex);
    if (!with_noise) with_noise = TENWATT_TRY(StagedProgram::create(graph, prepare));
    return with_noise.get();
  }

  /// Programs that are planned for the extents of one run. Those for all extents rest on what is
  /// usual: that none is 0, and that two of unknown relation are equal rather than broadcast.
  Result<const StagedProgram*> programs_for_one_run() const {
    const std::scoped_lock lock(mutex);
    if (!for_one_run) {
      graph::Graph once = with_seeds(graph);
      once.one_run = true;
      for_one_run = TENWATT_TRY(StagedProgram::create(std::move(once), prepare));
    }
    return for_one_run.get();
  }

  Result<std::map<std::string, Array>> run(const StagedProgram& staged,
                                           const StagedProgram::Inputs& tensors,
                                           const NetworkRun& options) const;

  const Port* input(const std::string& name) const {
    const auto found = std::ranges::find(inputs, name, &Port::name);
    return found == inputs.end() ? nullptr : &*found;
  }

  std::unexpected<Error> no_such_input(const std::string& name) const {
    return fail(ErrorCode::kInvalidArgument, "the graph has no input '" + name + "'",
                "its inputs are: " + titles(inputs));
  }

  /// What a run is given, checked against the graph's inputs. Others may only be noise.
  Status check(const StagedProgram::Inputs& given) const;
};

Status Network::Impl::check(const StagedProgram::Inputs& given) const {
  for (const Port& port : inputs) {
    const auto found = given.find(port.name);
    const std::string title = "the input " + port.name + " " + port.shape + " " + port.type;
    if (found == given.end()) {
      return fail(ErrorCode::kInvalidArgument, title + " is missing",
                  "add --input " + port.name + "=FILE.npy");
    }
    const Tensor& tensor = found->second;
    const std::string got =
        to_string(tensor.shape()) + " " + std::string(info(tensor.format()).name);
    const graph::Dims& dims = graph.value(*graph.find_value(port.name)).type.shape;
    bool fits = info(tensor.format()).name == port.type && dims.size() == tensor.shape().size();
    for (size_t axis = 0; fits && axis < dims.size(); ++axis) {
      const auto extent = dims[axis].constant();
      fits = !extent || *extent == tensor.shape()[axis];
    }
    if (!fits) {
      return fail(ErrorCode::kInvalidArgument, title + " got " + got,
                  "give it " + port.shape + " " + port.type);
    }
  }
  return {};
}

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
  impl->prepare = [program = std::move(program)](graph::Graph planned) {
    return engine::Program::prepare(std::move(planned), program);
  };
  auto programs = StagedProgram::create(with_seeds(graph), impl->prepare);
  if (!programs) return fail_in(path, std::move(programs).error());
  impl->programs = std::move(*programs);
  impl->runtime = std::move(runtime);
  const std::vector<std::string> symbols = graph.symbol_names();
  for (graph::ValueId id : graph.inputs) impl->inputs.push_back(port_of(graph, id, symbols));
  const auto only = impl->programs->only_program();
  const auto planned = only ? only->graph().symbol_names() : std::vector<std::string>();
  for (size_t i = 0; i < graph.outputs.size(); ++i) {
    Port port{graph.value(graph.outputs[i]).name, "?", "[?]"};
    if (only) {
      const std::string name = std::move(port.name);
      port = port_of(only->graph(), only->graph().outputs[i], planned);
      port.name = name;
    }
    impl->outputs.push_back(std::move(port));
  }
  impl->graph = std::move(graph);
  return std::shared_ptr<Network>(new Network(std::move(impl)));
}

const std::vector<Network::Port>& Network::inputs() const { return impl_->inputs; }
const std::vector<Network::Port>& Network::outputs() const { return impl_->outputs; }

Result<Array> Network::literal(const std::string& input, const std::string& text) const {
  const Port* port = impl_->input(input);
  if (port == nullptr) return impl_->no_such_input(input);
  const auto id = impl_->graph.find_value(input);
  const graph::Type& type = impl_->graph.value(*id).type;
  auto tensor = parse_literal(text, type.format, type.shape.size());
  if (!tensor) {
    return fail_in("the input " + port->name + " " + port->shape + " " + port->type,
                   std::move(tensor).error());
  }
  return to_array(*tensor);
}

Result<std::map<std::string, Array>> Network::run(const std::map<std::string, Array>& inputs,
                                                  const NetworkRun& options) const {
  StagedProgram::Inputs tensors;
  const std::string* noise = nullptr;
  for (const auto& [name, array] : inputs) {
    if (impl_->input(name) == nullptr) noise = &name;
    tensors.emplace(name, TENWATT_TRY(to_tensor(array)));
  }
  if (noise != nullptr && !has_random_nodes(impl_->graph)) return impl_->no_such_input(*noise);
  TENWATT_TRY(impl_->check(tensors));
  if (noise != nullptr)
    return impl_->run(*TENWATT_TRY(impl_->programs_with_noise()), tensors, options);
  auto results = impl_->run(*impl_->programs, tensors, options);
  if (results || results.error().code == ErrorCode::kCancelled) return results;
  return impl_->run(*TENWATT_TRY(impl_->programs_for_one_run()), tensors, options);
}

Result<std::map<std::string, Array>> Network::Impl::run(const StagedProgram& staged,
                                                        const StagedProgram::Inputs& tensors,
                                                        const NetworkRun& options) const {
  const auto program = TENWATT_TRY(staged.program_for(tensors, options.cancel));
  const graph::Graph& graph = program->graph();
  for (const auto& [name, tensor] : tensors) {
    const bool known = input(name) != nullptr || graph.find_value(name).has_value();
    if (!known) return no_such_input(name);
  }
  for (const std::string& tap : options.taps) {
    if (graph.find_value(tap)) continue;
    return fail(ErrorCode::kInvalidArgument, "the planned graph has no value '" + tap + "'",
                "list its values with: tenwatt explain MODEL");
  }
  std::map<std::string, Array> results;
  engine::RunOptions run;
  run.cancel = options.cancel;
  run.taps = options.taps;
  run.tap = [&](const std::string& name, const Tensor& content) {
    results.insert_or_assign(name, to_array(content));
  };
  const std::vector<Tensor> computed = TENWATT_TRY(run_with(*program, tensors, run));
  for (size_t i = 0; i < computed.size(); ++i) {
    results.insert_or_assign(outputs[i].name, to_array(computed[i]));
  }
  for (const std::string& tap : options.taps) {
    if (results.contains(tap)) continue;
    return fail(
        ErrorCode::kInvalidArgument, "no device computes the value '" + tap + "'",
        "it is an input, a constant or part of a shape: tap a value that depends on inputs");
  }
  return results;
}

Result<Placement> Network::placement(const std::map<std::string, Array>& inputs) const {
  if (const auto program = impl_->programs->only_program()) {
    return to_placement(engine::explain(*program));
  }
  if (inputs.empty()) {
    return fail(
        ErrorCode::kUnsupported,
        "the plan depends on " + impl_->programs->first_decision() + ", which a run decides",
        "give its inputs: tenwatt explain MODEL.onnx --input NAME=FILE.npy");
  }
  StagedProgram::Inputs tensors;
  for (const auto& [name, array] : inputs) tensors.emplace(name, TENWATT_TRY(to_tensor(array)));
  TENWATT_TRY(impl_->check(tensors));
  auto program = impl_->programs->program_for(tensors, nullptr);
  if (!program) {
    program = TENWATT_TRY(impl_->programs_for_one_run())->program_for(tensors, nullptr);
  }
  return to_placement(engine::explain(*TENWATT_TRY(std::move(program))));
}

}  // namespace tenwatt
