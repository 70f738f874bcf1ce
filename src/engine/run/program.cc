#include "engine/program.h"

#include <algorithm>

#include "base/digest.h"
#include "base/trace.h"
#include "engine/run/artifact.h"
#include "engine/run/run.h"
#include "graph/ops/infer.h"
#include "graph/rewrites/optimise.h"

namespace tenwatt::engine {

using graph::kNoValue;
using graph::State;
using graph::StateKind;
using graph::ValueId;

namespace {

/// Everything about a partition that decides what a device builds from it, as a number.
uint64_t fingerprint(const graph::Graph& graph) {
  std::string text;
  for (const graph::Node& node : graph.nodes()) {
    text += node.op + '|' + node.name + '|';
    for (ValueId id : node.inputs) {
      if (id == kNoValue) continue;
      const graph::Value& value = graph.value(id);
      text += value.name + (value.constant ? "=" + to_string(value.constant->shape()) : "") + ',';
    }
    text += '\n';
  }
  return checksum64(std::as_bytes(std::span(text)));
}

}  // namespace

Program::~Program() = default;

Result<std::shared_ptr<Program>> Program::prepare(graph::Graph graph, ProgramOptions options) {
  if (!options.team) options.team = std::make_shared<Team>(available_cores());
  TENWATT_TRY(graph::infer_shapes(graph));
  TENWATT_TRY(graph::optimise(graph));
  std::shared_ptr<Program> program(new Program);
  const std::string key = options.source.empty() ? "" : options.source + "/" + graph.name;
  program->plan_ = TENWATT_TRY(make_plan(std::move(graph), options.plan, key));
  program->options_ = std::move(options);
  program->frames_ = std::make_shared<FramePool>();
  TENWATT_TRY(program->check_states());
  program->number_slots();
  for (size_t i = 0; i < program->plan_.partitions.size(); ++i) {
    TENWATT_TRY(program->load_partition(i));
  }
  return program;
}

Status Program::check_states() {
  const graph::Graph& graph = plan_.graph;
  const devices::StateLayout* layout = nullptr;
  for (size_t i = 0; i < graph.nodes().size(); ++i) {
    if (graph.nodes()[i].attribute("k_state") == nullptr) continue;
    const auto& device = plan_.options.devices[static_cast<size_t>(plan_.placements[i].device)];
    const devices::StateLayout* here = device->state_layout();
    if (here == nullptr || (layout != nullptr && layout != here)) {
      return fail(ErrorCode::kUnsupported,
                  "the sequence's states would live on more than one device",
                  "place all Attention nodes on one device");
    }
    layout = here;
  }
  pages_ = PagePlan::make(graph, layout);
  if (pages_.page_bytes > 0) page_pool_ = std::make_shared<PagePool>(pages_.page_bytes);
  return {};
}

void Program::number_slots() {
  const graph::Graph& graph = plan_.graph;
  slots_.assign(graph.values().size(), -1);
  auto want = [&](ValueId id) {
    if (id == kNoValue) return;
    int& slot = slots_[static_cast<size_t>(id)];
    if (slot < 0) slot = static_cast<int>(slot_count_++);
  };
  for (ValueId id : graph.inputs) want(id);
  for (ValueId id : graph.outputs) want(id);
  for (const State& state : graph.states) {
    want(state.read);
    want(state.write);
  }
  for (const PlannedPartition& planned : plan_.partitions) {
    for (ValueId id : planned.inputs) want(id);
    for (ValueId id : planned.outputs) want(id);
  }
}

Status Program::load_partition(size_t index) {
  PlannedPartition& planned = plan_.partitions[index];
  devices::Device& device = *plan_.options.devices[static_cast<size_t>(planned.device)];
  const ArtifactStore store(options_.artifact_folder);
  std::string key;
  if (!planned.partition.key.empty()) {
    key = planned.partition.key + "|" + device.build_signature() + "|" +
          (planned.partition.precision == devices::Precision::kExact ? "exact" : "fast") + "|" +
          std::to_string(fingerprint(planned.partition.graph));
  }
  std::shared_ptr<MemoryArtifact> artifact;
  auto kept = store.read(key, *options_.team);
  if (kept) {
    artifact = std::move(*kept);
    weights_from_ = index == 0
                        ? Source::kArtifact
                        : (weights_from_ == Source::kArtifact ? Source::kArtifact : Source::kMixed);
  } else {
    if (kept.error().code == ErrorCode::kCorrupt) {
      notices_.push_back(kept.error().message + "; it is built again");
    }
    const TraceSpan span("build", "engine");
    artifact = std::make_shared<MemoryArtifact>();
    TENWATT_TRY(device.build(planned.partition, *artifact, *options_.team));
    if (auto written = store.write(key, *artifact); !written) {
      notices_.push_back(written.error().message);
    }
    if (index > 0 && weights_from_ == Source::kArtifact) weights_from_ = Source::kMixed;
  }
  executables_.push_back(TENWATT_TRY(device.load(planned.partition, std::move(artifact))));
  return {};
}

std::unique_ptr<Session> Program::open_session() const {
  return std::unique_ptr<Session>(new Session(shared_from_this()));
}

Result<std::vector<Tensor>> Program::run(const Batch& batch, const RunOptions& options) const {
  return Run(*this, batch, options).execute();
}

size_t Program::resident_bytes() const {
  size_t bytes = 0;
  for (const auto& executable : executables_) bytes += executable->resident_bytes();
  return bytes;
}

}  // namespace tenwatt::engine
