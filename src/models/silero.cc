#include "models/silero.h"

#include <algorithm>
#include <optional>

#include "exchange/onnx_import.h"
#include "graph/ir/builder.h"

namespace tenwatt::models {
namespace {

using graph::Builder;
using graph::Dim;
using graph::Graph;
using graph::State;
using graph::StateKind;
using graph::SymbolId;
using graph::ValueId;

/// The values by which the sequence form of the model is recognised.
struct Interface {
  ValueId windows, h, c, probabilities, h_out, c_out;
  SymbolId count;
};

std::unexpected<Error> other_model() {
  return fail(ErrorCode::kUnsupported, "this is not Silero's model for sequences at 16 kHz",
              "use silero_vad_16k_sequence.onnx of silero-vad 6");
}

Result<Interface> find_interface(const Graph& graph) {
  const auto windows = graph.find_value("input");
  const auto h = graph.find_value("h");
  const auto c = graph.find_value("c");
  const auto probabilities = graph.find_value("speech_probs");
  const auto h_out = graph.find_value("hn");
  const auto c_out = graph.find_value("cn");
  if (!windows || !h || !c || !probabilities || !h_out || !c_out) return other_model();
  for (ValueId id : {*windows, *h, *c}) {
    if (!graph.is_input(id)) return other_model();
  }
  const graph::Dims& shape = graph.value(*windows).type.shape;
  if (shape.size() != 2 || shape[1] != Dim(kSileroContext + kSileroHop)) return other_model();
  const std::vector<SymbolId> symbols = shape[0].symbols();
  if (symbols.size() != 1 || shape[0] != Dim::symbol(symbols[0])) return other_model();
  return Interface{*windows, *h, *c, *probabilities, *h_out, *c_out, symbols[0]};
}

/// Computes the windows from samples and the ring of older ones.
Status add_windows(Graph& graph, const Interface& io) {
  Builder b(graph);
  const Dim count = Dim::symbol(io.count);
  const Dim samples_count = count * Dim(kSileroHop);
  const ValueId samples = b.input("samples", Format::kF32, {samples_count});
  const ValueId older =
      graph.add_value("context", {Format::kF32, {Dim(kSileroContext)}, std::nullopt});
  // Row i of `delayed` begins 64 samples before row i of `fresh`.
  const ValueId joined = b.concat("context.joined", {older, samples}, 0);
  const ValueId delayed =
      b.reshape("context.delayed", b.slice("context.past", joined, 0, Dim(0), samples_count),
                {count, Dim(kSileroHop)});
  const ValueId before = b.slice("context.before", delayed, 1, Dim(0), Dim(kSileroContext));
  const ValueId fresh = b.reshape("samples.rows", samples, {count, Dim(kSileroHop)});
  graph.add_node({"Concat", "windows", {before, fresh}, {io.windows}, {{"axis", int64_t{1}}}});
  State ring;
  ring.name = "context";
  ring.kind = StateKind::kRing;
  ring.rows = Dim(kSileroContext);
  ring.read = older;
  ring.write = samples;
  graph.states.push_back(std::move(ring));
  return b.finish();
}

void add_value_state(Graph& graph, std::string name, ValueId read, ValueId write) {
  State state;
  state.name = std::move(name);
  state.kind = StateKind::kValue;
  state.row = graph.value(read).type.shape;
  state.read = read;
  state.write = write;
  graph.states.push_back(std::move(state));
}

}  // namespace

Result<Graph> build_silero(const std::string& path) {
  Graph graph = TENWATT_TRY(exchange::import_onnx(path));
  const auto found = find_interface(graph);
  if (!found) return fail_in(path, found.error());
  const Interface io = *found;
  graph.name = "silero";
  graph.symbol(io.count).bounds = {1, kSileroMostWindows};
  graph.inputs.clear();
  graph.outputs = {io.probabilities};
  add_value_state(graph, "h", io.h, io.h_out);
  add_value_state(graph, "c", io.c, io.c_out);
  TENWATT_TRY(add_windows(graph, io));
  return graph;
}

}  // namespace tenwatt::models
