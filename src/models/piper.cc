#include "models/piper.h"

#include <algorithm>
#include <optional>

#include "exchange/onnx_import.h"
#include "graph/ir/bind.h"
#include "graph/ops/infer.h"
#include "graph/rewrites/optimise.h"

namespace tenwatt::models {

using graph::Dim;
using graph::Graph;
using graph::kNoNode;
using graph::kNoValue;
using graph::Node;
using graph::NodeId;
using graph::SymbolId;
using graph::Value;
using graph::ValueId;

namespace {

std::unexpected<Error> not_piper(const std::string& what) {
  return fail(ErrorCode::kUnsupported, "this graph is not a Piper voice: " + what,
              "use a voice exported by Piper (NAME.onnx with NAME.onnx.json)");
}

/// The values between `start` (which they depend on) and the graph's wanted value, and the border
/// that they read from.
struct Section {
  std::vector<ValueId> border;  ///< ascending; not computable from constants and symbols alone
};

/// By ValueId: computed from nothing but constants and symbols, so any part can make it itself.
std::vector<bool> free_values(const Graph& graph) {
  std::vector<bool> free(graph.values().size(), false);
  for (size_t i = 0; i < free.size(); ++i) {
    const Value& value = graph.values()[i];
    free[i] = value.constant.has_value() || value.known.has_value();
  }
  for (const Node& node : graph.nodes()) {
    const bool of_free = std::ranges::all_of(
        node.inputs, [&](ValueId id) { return id == kNoValue || free[static_cast<size_t>(id)]; });
    for (ValueId id : node.outputs) {
      if (id != kNoValue && of_free) free[static_cast<size_t>(id)] = true;
    }
  }
  return free;
}

Section section_between(const Graph& graph, ValueId start, ValueId end) {
  std::vector<bool> after(graph.values().size(), false);
  after[static_cast<size_t>(start)] = true;
  for (const Node& node : graph.nodes()) {
    const bool reached = std::ranges::any_of(
        node.inputs, [&](ValueId id) { return id != kNoValue && after[static_cast<size_t>(id)]; });
    if (!reached) continue;
    for (ValueId id : node.outputs) {
      if (id != kNoValue) after[static_cast<size_t>(id)] = true;
    }
  }
  const std::vector<bool> free = free_values(graph);
  std::vector<bool> needed(graph.values().size(), false);
  needed[static_cast<size_t>(end)] = true;
  Section section;
  for (size_t i = graph.nodes().size(); i-- > 0;) {
    const Node& node = graph.nodes()[i];
    const bool inside = std::ranges::any_of(node.outputs, [&](ValueId id) {
      return id != kNoValue && id != start && needed[static_cast<size_t>(id)] &&
             after[static_cast<size_t>(id)];
    });
    if (!inside) continue;
    for (ValueId id : node.inputs) {
      if (id == kNoValue || needed[static_cast<size_t>(id)]) continue;
      needed[static_cast<size_t>(id)] = true;
      const bool outside = !after[static_cast<size_t>(id)] || id == start;
      if (outside && !free[static_cast<size_t>(id)]) section.border.push_back(id);
    }
  }
  std::ranges::sort(section.border);
  return section;
}

/// The input of conv_pre: the Conv of kernel 7 that the first upsampling convolution hangs on.
Result<ValueId> find_latent(const Graph& graph) {
  ValueId latent = kNoValue;
  for (const Node& node : graph.nodes()) {
    if (node.op == "ConvTranspose") {
      if (latent == kNoValue) return not_piper("nothing leads to its vocoder");
      return latent;
    }
    if (node.op != "Conv" || node.inputs.size() < 2) continue;
    const auto& weight = graph.value(node.inputs[1]).type.shape;
    if (weight.size() == 3 && weight[2] == Dim(7)) latent = node.inputs[0];
  }
  return not_piper("it has no upsampling convolution");
}

/// The number of frames: the symbol that is read from data and that the latent's length mentions.
Result<SymbolId> find_frames(const Graph& graph, ValueId latent) {
  const auto& shape = graph.value(latent).type.shape;
  if (shape.size() != 3) return not_piper("its latent is not [batch, channels, frames]");
  for (SymbolId id : shape[2].symbols()) {
    if (graph.symbol(id).source) return id;
  }
  return not_piper("its length does not depend on predicted durations");
}

/// The value that the frame count is summed from: output of the last Ceil before it.
std::optional<ValueId> find_durations(const Graph& graph) {
  std::optional<ValueId> found;
  for (const Node& node : graph.nodes()) {
    if (node.op == "Ceil") found = node.outputs[0];
  }
  return found;
}

/// A part with its own `frames` symbol: inputs that had the data-dependent length get it anew.
Result<Graph> make_part(const Graph& whole, const std::string& name, SymbolId frames,
                        const std::vector<ValueId>& inputs, const std::vector<ValueId>& outputs) {
  Graph part = TENWATT_TRY(graph::extract(whole, inputs, outputs));
  part.name = name;
  const std::string source_name = whole.symbol(frames).name;
  const auto old_symbol = part.find_symbol(source_name);
  const SymbolId symbol =
      part.add_symbol(std::string(kFrames), {1, whole.symbol(frames).bounds.max});
  if (old_symbol) graph::substitute(part, *old_symbol, Dim::symbol(symbol));
  for (size_t i = 0; i < part.symbols().size(); ++i) {
    part.symbol(static_cast<SymbolId>(i)).source.reset();
  }
  TENWATT_TRY(graph::infer_shapes(part));
  TENWATT_TRY(graph::optimise(part));
  return part;
}

void fix_batch(Graph& graph) {
  // Sentences are spoken one at a time.
  for (size_t i = 0; i < graph.symbols().size(); ++i) {
    graph::Symbol& symbol = graph.symbol(static_cast<SymbolId>(i));
    const bool of_axis_0 = std::ranges::any_of(graph.inputs, [&](ValueId id) {
      const auto& shape = graph.value(id).type.shape;
      return !shape.empty() && shape[0] == Dim::symbol(static_cast<SymbolId>(i));
    });
    if (!of_axis_0) continue;
    graph::substitute(graph, static_cast<SymbolId>(i), Dim(1));
    symbol.bounds = {1, 1};
  }
}

void let_round(Graph& vocoder) {
  for (size_t i = 0; i < vocoder.nodes().size(); ++i) {
    Node& node = vocoder.node(static_cast<graph::NodeId>(i));
    const bool convolves = node.op == "Conv" || node.op == "ConvTranspose";
    if (convolves) node.attributes["operands"] = std::string("bf16");
  }
}

}  // namespace

Result<PiperModel> cut_piper(Graph graph, files::PiperVoice voice) {
  fix_batch(graph);
  const size_t own_inputs = graph.inputs.size();
  TENWATT_TRY(graph::infer_shapes(graph));
  TENWATT_TRY(graph::optimise(graph));
  if (graph.outputs.size() != 1) return not_piper("it has more than one output");

  PiperModel model;
  model.voice = std::move(voice);
  const ValueId latent = TENWATT_TRY(find_latent(graph));
  const SymbolId frames = TENWATT_TRY(find_frames(graph, latent));
  ValueId latent_noise = kNoValue;
  for (size_t i = own_inputs; i < graph.inputs.size(); ++i) {
    const ValueId id = graph.inputs[i];
    const auto& shape = graph.value(id).type.shape;
    const bool per_frame =
        std::ranges::any_of(shape, [&](const Dim& dim) { return dim.mentions(frames); });
    (per_frame ? model.latent_noise : model.duration_noise) = graph.value(id).name;
    if (per_frame) latent_noise = id;
  }
  if (latent_noise == kNoValue) return not_piper("it draws no noise for its latent");
  model.latent = graph.value(latent).name;
  const auto channels = graph.value(latent).type.shape[1].constant();
  if (!channels) return not_piper("its latent has no fixed number of channels");
  model.latent_channels = *channels;

  const Section flow = section_between(graph, latent_noise, latent);
  std::vector<ValueId> encoder_outputs;
  for (ValueId id : flow.border) {
    if (id != latent_noise) encoder_outputs.push_back(id);
  }
  const auto durations = find_durations(graph);
  if (!durations) return not_piper("it predicts no durations");
  model.durations = graph.value(*durations).name;
  std::vector<ValueId> with_durations = encoder_outputs;
  with_durations.push_back(*durations);
  std::vector<ValueId> encoder_inputs;
  for (ValueId id : graph.inputs) {
    if (id != latent_noise) encoder_inputs.push_back(id);
  }
  model.encoder = TENWATT_TRY(graph::extract(graph, encoder_inputs, with_durations));
  model.encoder.name = "text-encoder";
  TENWATT_TRY(graph::infer_shapes(model.encoder));

  model.flow = TENWATT_TRY(make_part(graph, "flow", frames, flow.border, {latent}));
  const Section vocoder = section_between(graph, latent, graph.outputs[0]);
  model.vocoder =
      TENWATT_TRY(make_part(graph, "vocoder", frames, vocoder.border, {graph.outputs[0]}));
  const auto& samples = model.vocoder.value(model.vocoder.outputs[0]).type.shape;
  const auto symbol = model.vocoder.find_symbol(kFrames);
  for (const Dim& dim : samples) {
    const auto rate = symbol ? dim.affine_in(*symbol) : std::nullopt;
    if (rate && rate->first > 0 && rate->second == 0) model.hop = rate->first;
  }
  if (model.hop == 0) return not_piper("its samples are not a multiple of its frames");
  return model;
}

Result<PiperModel> read_piper(const std::string& onnx_path, devices::Precision vocoder) {
  auto described = files::read_piper_voice(onnx_path + ".json");
  if (!described) {
    Error error = std::move(described).error();
    if (error.remedy.empty()) error.remedy = "a voice is two files, NAME.onnx and NAME.onnx.json";
    return std::unexpected(std::move(error));
  }
  files::PiperVoice voice = std::move(*described);
  Graph graph = TENWATT_TRY(exchange::import_onnx(onnx_path));
  auto model = cut_piper(std::move(graph), std::move(voice));
  if (!model) return fail_in(onnx_path, model.error());
  if (vocoder == devices::Precision::kFast) let_round(model->vocoder);
  return model;
}

}  // namespace tenwatt::models
