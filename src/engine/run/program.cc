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

// Constants that rewrites made are small; the large ones are named by the source's digest.
constexpr size_t kHashedConstant = size_t{64} << 10;

std::string attribute_text(const graph::Attribute& attribute) {
  std::string text;
  const auto add = [&](const auto& number) { text += std::to_string(number) + ' '; };
  if (const auto* whole = std::get_if<int64_t>(&attribute)) add(*whole);
  if (const auto* real = std::get_if<float>(&attribute)) add(*real);
  if (const auto* name = std::get_if<std::string>(&attribute)) text = *name;
  if (const auto* list = std::get_if<std::vector<int64_t>>(&attribute)) {
    for (int64_t number : *list) add(number);
  }
  return text;
}

std::string constant_text(const Tensor& constant) {
  std::string text = std::string(info(constant.format()).name) + to_string(constant.shape());
  if (constant.bytes().size() <= kHashedConstant) {
    text += std::to_string(checksum64(constant.bytes()));
  }
  return text;
}

/// Everything about a partition that decides what a device builds from it, as a number.
uint64_t fingerprint(const graph::Graph& graph) {
  std::string text;
  for (const graph::Node& node : graph.nodes()) {
    text += node.op + '|' + node.name + '|';
    for (const auto& [name, attribute] : node.attributes) {
      text += name + '=' + attribute_text(attribute) + ',';
    }
    for (ValueId id : node.inputs) {
      if (id == kNoValue) continue;
      const graph::Value& value = graph.value(id);
      text += value.name + (value.constant ? '=' + constant_text(*value.constant) : "") + ',';
    }
    text += '\n';
  }
  return checksum64(std::as_bytes(std::span(text)));
}

/// Empty where nothing names the partition's source: then nothing is kept.
std::string artifact_key(const devices::Partition& partition, const devices::Device& device) {
  if (partition.key.empty()) return "";
  const bool exact = partition.precision == devices::Precision::kExact;
  return partition.key + "|" + device.build_signature() + "|" + (exact ? "exact" : "fast") + "|" +
         std::to_string(fingerprint(partition.graph));
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
  for (const PlannedPartition& planned : program->plan_.partitions) {
    TENWATT_TRY(program->load_partition(planned));
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

Status Program::load_partition(const PlannedPartition& planned) {
  devices::Device& device = *plan_.options.devices[static_cast<size_t>(planned.device)];
  const ArtifactStore store(options_.artifact_folder);
  const std::string key = artifact_key(planned.partition, device);
  auto kept = store.read(key, *options_.team);
  if (kept) {
    auto loaded = device.load(planned.partition, *kept);
    if (loaded) {
      executables_.push_back(std::move(*loaded));
      add_source(Source::kArtifact);
      return {};
    }
    kept = std::unexpected(std::move(loaded).error());
  }
  if (kept.error().code != ErrorCode::kNotFound) {
    notices_.push_back(kept.error().message + "; it is built again");
  }
  const TraceSpan span("build", "engine");
  auto artifact = std::make_shared<MemoryArtifact>();
  TENWATT_TRY(device.build(planned.partition, *artifact, *options_.team));
  if (auto written = store.write(key, *artifact); !written) {
    notices_.push_back(written.error().message);
  }
  executables_.push_back(TENWATT_TRY(device.load(planned.partition, std::move(artifact))));
  add_source(Source::kBuilt);
  return {};
}

void Program::add_source(Source source) {
  const bool first = executables_.size() == 1;
  weights_from_ = first || weights_from_ == source ? source : Source::kMixed;
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
