#include "devices/cpu/executable.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <set>

#include "devices/cpu/arena.h"
#include "devices/cpu/lower/convolution.h"
#include "devices/cpu/stage_run.h"

namespace tenwatt::cpu {
namespace {

using graph::Bindings;
using graph::Graph;
using graph::SymbolId;

std::vector<SymbolId> mentioned_symbols(const Graph& graph) {
  std::set<SymbolId> found;
  const auto add = [&](const graph::Dims& dims) {
    for (const graph::Dim& dim : dims) {
      if (dim.is_constant()) continue;
      for (SymbolId id : dim.symbols()) found.insert(id);
    }
  };
  for (const graph::Value& value : graph.values()) {
    add(value.type.shape);
    if (value.known) add(*value.known);
  }
  return {found.begin(), found.end()};
}

}  // namespace

CpuExecutable::Form::Form(Graph form)
    : graph(std::move(form)), stages(cut_into_stages(graph)), cache(stages.size()) {}

CpuExecutable::CpuExecutable(devices::Partition partition, std::shared_ptr<const Weights> weights,
                             const Setup& setup)
    : weights_(std::move(weights)),
      setup_(setup),
      plain_(std::move(partition.graph)),
      mentioned_(mentioned_symbols(plain_.graph)) {
  auto joined = join_convolutions(plain_.graph);
  if (joined && *joined) joined_.emplace(std::move(**joined));
}

CpuExecutable::Key CpuExecutable::key_of(const Bindings& bindings) const {
  constexpr int64_t kUnknown = -1;  // extents and elements that become dimensions are not negative
  Key key;
  key.reserve(mentioned_.size());
  for (SymbolId id : mentioned_) {
    const size_t i = static_cast<size_t>(id);
    key.push_back(i < bindings.size() ? bindings[i].value_or(kUnknown) : kUnknown);
  }
  return key;
}

Result<std::shared_ptr<const Binding>> CpuExecutable::binding_of(Form& form, size_t stage,
                                                                 const Bindings& bindings) {
  const auto same = [&](const Cached& cached) {
    for (size_t i = 0; i < mentioned_.size(); ++i) {
      const size_t id = static_cast<size_t>(mentioned_[i]);
      const int64_t value = id < bindings.size() ? bindings[id].value_or(-1) : -1;
      if (cached.key[i] != value) return false;
    }
    return true;
  };
  {
    std::lock_guard lock(mutex_);
    auto& list = form.cache[stage];
    auto at = std::ranges::find_if(list, same);
    if (at != list.end()) {
      list.splice(list.begin(), list, at);
      return list.front().binding;
    }
  }
  auto made = TENWATT_TRY(bind_stage(form.graph, form.stages[stage], bindings, *weights_, setup_));
  std::lock_guard lock(mutex_);
  ++made_;
  auto& list = form.cache[stage];
  list.push_front({key_of(bindings), made});
  if (list.size() > kBindings) list.pop_back();
  return made;
}

std::unique_ptr<RunMemory> CpuExecutable::take_memory() {
  std::lock_guard lock(mutex_);
  if (pool_.empty()) return std::make_unique<RunMemory>();
  auto memory = std::move(pool_.back());
  pool_.pop_back();
  return memory;
}

void CpuExecutable::give_back(std::unique_ptr<RunMemory> memory) {
  std::lock_guard lock(mutex_);
  pool_.push_back(std::move(memory));
}

Status CpuExecutable::run(Bindings& bindings, std::span<const devices::Argument> inputs,
                          std::span<const devices::Argument> outputs,
                          const devices::RunContext& context) {
  Form& form = context.tap && !context.tapped.empty() ? plain_ : running();
  const Graph& graph = form.graph;
  if (inputs.size() != graph.inputs.size() || outputs.size() != graph.outputs.size()) {
    return fail(ErrorCode::kInvalidArgument, "the run has " + std::to_string(inputs.size()) +
                                                 " inputs and " + std::to_string(outputs.size()) +
                                                 " outputs; the partition wants " +
                                                 std::to_string(graph.inputs.size()) + " and " +
                                                 std::to_string(graph.outputs.size()));
  }
  if (!context.team) return fail(ErrorCode::kInvalidArgument, "the run has no team");
  if (bindings.size() < graph.symbols().size()) bindings.resize(graph.symbols().size());
  auto memory = take_memory();
  Status status;
  for (size_t s = 0; s < form.stages.size() && status; ++s) {
    auto binding = binding_of(form, s, bindings);
    if (!binding) {
      status = std::unexpected(std::move(binding).error());
      break;
    }
    const StageRun stage{graph, form.stages[s], **binding, inputs, outputs, context, *memory};
    status = stage.run(bindings);
  }
  give_back(std::move(memory));
  return status;
}

size_t CpuExecutable::resident_bytes() const {
  std::lock_guard lock(mutex_);
  size_t bytes = weights_->resident_bytes();
  for (const auto& memory : pool_) bytes += memory->arena.size();
  return bytes;
}

Result<std::vector<std::string>> CpuExecutable::kernels(const Bindings& bindings) {
  std::vector<std::string> names;
  Form& form = running();
  for (size_t s = 0; s < form.stages.size(); ++s) {
    auto binding = TENWATT_TRY(binding_of(form, s, bindings));
    for (const Step& step : binding->steps) names.push_back(step.kernel);
  }
  return names;
}

size_t CpuExecutable::cached_bindings() const {
  std::lock_guard lock(mutex_);
  size_t count = 0;
  for (const auto& list : plain_.cache) count += list.size();
  if (joined_) {
    for (const auto& list : joined_->cache) count += list.size();
  }
  return count;
}

}  // namespace tenwatt::cpu
