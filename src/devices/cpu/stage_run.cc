#include "devices/cpu/stage_run.h"

#include <algorithm>
#include <cstring>

#include "base/trace.h"
#include "devices/cpu/executable.h"
#include "graph/ir/bind.h"
#include "graph/reference/reference.h"

namespace tenwatt::cpu {
namespace {

using graph::Bindings;
using graph::kNoValue;
using graph::Node;
using graph::ValueId;

Result<std::byte*> argument_address(const devices::Argument& argument, size_t bytes,
                                    const std::string& name) {
  if (!argument.buffer || !argument.buffer->host()) {
    return fail(ErrorCode::kInvalidArgument, "the argument for " + name + " is not host memory");
  }
  const size_t size = argument.buffer->size();
  if (argument.offset > size || bytes > size - argument.offset) {
    return fail(ErrorCode::kInvalidArgument, "the argument for " + name + " has " +
                                                 std::to_string(size) + " bytes; " +
                                                 std::to_string(bytes) + " at " +
                                                 std::to_string(argument.offset) + " are needed");
  }
  return argument.buffer->host() + argument.offset;
}

Result<int64_t> within_bounds(const graph::Symbol& symbol, int64_t value) {
  if (value < symbol.bounds.min || value > symbol.bounds.max) {
    return fail(ErrorCode::kOutOfRange, symbol.name + " is " + std::to_string(value) +
                                            ", outside [" + std::to_string(symbol.bounds.min) +
                                            ", " + std::to_string(symbol.bounds.max) + "]");
  }
  return value;
}

bool meet(Member& member) {
  const TraceSpan span("wait", "step");
  return member.barrier();
}

}  // namespace

Result<std::byte*> StageRun::address(const Placed& placed) const {
  const Place& place = placed.place;
  using Base = Place::Base;
  switch (place.base) {
    case Base::kNone:
      return nullptr;
    case Base::kArena:
      return memory.arena.data() + place.offset;
    case Base::kOwn:
      return own_memory(0) + place.offset;
    case Base::kFixed:
      return const_cast<std::byte*>(place.fixed) + place.offset;
    case Base::kCrossing: {
      const size_t from = static_cast<size_t>(place.index);
      if (memory.extents.size() > from && !memory.extents[from].bytes().empty()) {
        return const_cast<std::byte*>(memory.extents[from].bytes().data()) + place.offset;
      }
      if (memory.crossing.size() <= from) return nullptr;  // an empty extent
      return memory.crossing[from].data() + place.offset;
    }
    case Base::kInput:
    case Base::kOutput: {
      const auto& list = place.base == Base::kInput ? inputs : outputs;
      const Shape& shape = binding.shapes[static_cast<size_t>(placed.value)];
      const size_t bytes = TENWATT_TRY(value_bytes(graph, placed.value, shape));
      std::byte* at =
          TENWATT_TRY(argument_address(list[static_cast<size_t>(place.index)], place.offset + bytes,
                                       graph.value(placed.value).name));
      return at + place.offset;
    }
  }
  return nullptr;
}

std::byte* StageRun::own_memory(int member) const {
  return memory.arena.data() + binding.arena_bytes +
         static_cast<size_t>(member) * binding.member_bytes;
}

std::byte* const* StageRun::values_of(int member) const {
  if (member == 0) return memory.values.data();
  auto& values = memory.others[static_cast<size_t>(member - 1)];
  std::ranges::copy(memory.values, values.begin());
  for (const Placed& placed : binding.own) {
    values[static_cast<size_t>(placed.value)] = own_memory(member) + placed.place.offset;
  }
  return values.data();
}

Status StageRun::prepare() const {
  const size_t members = static_cast<size_t>(context.team->size());
  const size_t needed = binding.arena_bytes + members * binding.member_bytes;
  if (memory.arena.size() < needed) memory.arena = TENWATT_TRY(HugeBuffer::allocate(needed));
  memory.values.resize(2 * graph.values().size());
  memory.others.resize(members - 1);
  for (auto& values : memory.others) values.resize(memory.values.size());
  if (!binding.crossing.empty() && memory.crossing.size() < graph.values().size()) {
    memory.crossing.resize(graph.values().size());
  }
  for (const CrossingNeed& need : binding.crossing) {
    HugeBuffer& buffer = memory.crossing[static_cast<size_t>(need.value)];
    if (buffer.size() < need.bytes) buffer = TENWATT_TRY(HugeBuffer::allocate(need.bytes));
  }
  for (const Placed& placed : binding.placed) {
    memory.values[static_cast<size_t>(placed.value)] = TENWATT_TRY(address(placed));
  }
  for (const CopyOut& copy : binding.copies) {
    if (copy.to.base == Place::Base::kOutput) {
      TENWATT_TRY(argument_address(outputs[static_cast<size_t>(copy.to.index)], copy.bytes,
                                   graph.value(copy.value).name));
    }
  }
  return {};
}

void StageRun::tap(ValueId id) const {
  const size_t i = static_cast<size_t>(id);
  const graph::Value& value = graph.value(id);
  const Shape& shape = binding.shapes[i];
  const size_t bytes = value_bytes(graph, id, shape).value_or(0);
  const bool placed = std::ranges::find(binding.placed, id, &Placed::value) != binding.placed.end();
  if (placed) {
    context.tap(id, shape, {memory.values[i], bytes});
  } else if (value.constant) {
    context.tap(id, value.constant->shape(), value.constant->bytes());
  }
}

bool StageRun::wants_tap(int32_t step) const {
  if (!context.tap) return false;
  return std::ranges::any_of(context.tapped, [&](ValueId id) {
    return id >= 0 && static_cast<size_t>(id) < binding.tap_after.size() &&
           binding.tap_after[static_cast<size_t>(id)] == step;
  });
}

void StageRun::tap_after(int32_t step) const {
  for (ValueId id : context.tapped) {
    if (id < 0 || static_cast<size_t>(id) >= binding.tap_after.size()) continue;
    if (binding.tap_after[static_cast<size_t>(id)] == step) tap(id);
  }
}

void StageRun::copy_results(Member& member, std::byte* const* values) const {
  for (const CopyOut& copy : binding.copies) {
    std::byte* to = copy.to.base == Place::Base::kOutput
                        ? outputs[static_cast<size_t>(copy.to.index)].buffer->host() +
                              outputs[static_cast<size_t>(copy.to.index)].offset
                        : memory.crossing[static_cast<size_t>(copy.to.index)].data();
    const std::byte* from = values[static_cast<size_t>(copy.value)];
    const auto share = member.share(static_cast<int64_t>(copy.bytes), 4096);
    if (share.begin < share.end && to != from) {
      std::memcpy(to + share.begin, from + share.begin,
                  static_cast<size_t>(share.end - share.begin));
    }
  }
}

void StageRun::run_member(Member& member, StepFailure& failure) const {
  StepContext step_context{member};
  step_context.values = values_of(member.index());
  step_context.shared_scratch = memory.arena.data() + binding.shared_scratch_offset;
  step_context.member_scratch = own_memory(member.index()) + binding.member_scratch_offset;
  step_context.run = &context;
  step_context.failure = &failure;
  const bool tapping = !context.tapped.empty() && context.tap;
  if (tapping && member.index() == 0) tap_after(-1);
  const size_t count = binding.steps.size();
  for (size_t i = 0; i < count; ++i) {
    const Step& step = binding.steps[i];
    step_context.crew = step.crew;
    step_context.index = static_cast<int64_t>(i);
    // A failed step silences member 0's own until the next barrier, where all leave.
    const bool solo = step.crew == Crew::kSolo;
    const bool skips = solo && (member.index() != 0 || failure.happened_by(step_context.index));
    if (!skips) {
      const TraceSpan span(step.kernel, "step");
      step.run(step_context);
    }
    const bool tapped = tapping && wants_tap(static_cast<int32_t>(i));
    if (!binding.barrier_after[i] && !tapped) continue;
    if (!meet(member) || failure.happened_by(step_context.index)) return;
    if (!tapped) continue;
    if (member.index() == 0) tap_after(static_cast<int32_t>(i));
    if (!member.barrier()) return;
  }
  copy_results(member, step_context.values);
}

Status StageRun::dispatch() const {
  StepFailure failure;
  const std::function<void(Member&)> job = [this, &failure](Member& member) {
    run_member(member, failure);
  };
  const bool finished = context.team->run(job, context.cancel);
  if (failure.happened_by(StepFailure::kNone - 1)) {
    return std::unexpected(std::move(failure.error));
  }
  if (!finished) return fail(ErrorCode::kCancelled, "the run was cancelled");
  return {};
}

Status StageRun::run_extent(Bindings&) const {
  const Node& node = graph.node(stage.first);
  std::vector<graph::ReferenceInput> values;
  for (ValueId id : node.inputs) {
    if (id == kNoValue) {
      values.emplace_back();
      continue;
    }
    const size_t i = static_cast<size_t>(id);
    const size_t bytes = TENWATT_TRY(value_bytes(graph, id, binding.shapes[i]));
    values.emplace_back(TENWATT_TRY(Tensor::wrap(graph.value(id).type.format, binding.shapes[i],
                                                 {memory.values[i], bytes}, nullptr)));
  }
  auto results = TENWATT_TRY(graph::run_reference(node, values));
  memory.extents.resize(graph.values().size());
  for (size_t k = 0; k < node.outputs.size() && k < results.size(); ++k) {
    if (node.outputs[k] == kNoValue) continue;
    const size_t i = static_cast<size_t>(node.outputs[k]);
    memory.extents[i] = std::move(results[k]);
    const Tensor& result = memory.extents[i];
    memory.values[i] = const_cast<std::byte*>(result.bytes().data());
    for (size_t o = 0; o < graph.outputs.size(); ++o) {
      if (graph.outputs[o] != node.outputs[k]) continue;
      std::byte* to = TENWATT_TRY(
          argument_address(outputs[o], result.bytes().size(), graph.value(node.outputs[k]).name));
      std::ranges::copy(result.bytes(), to);
    }
    if (context.tap && std::ranges::find(context.tapped, node.outputs[k]) != context.tapped.end()) {
      context.tap(node.outputs[k], result.shape(), result.bytes());
    }
  }
  return {};
}

Status StageRun::decide(Bindings& bindings) const {
  using Kind = graph::Symbol::Source::Kind;
  for (graph::SymbolId id : stage.decides) {
    const graph::Symbol& symbol = graph.symbol(id);
    const size_t value = static_cast<size_t>(symbol.source->value);
    int64_t number = 0;
    if (symbol.source->kind == Kind::kExtent) {
      const Shape& shape = memory.extents[value].shape();
      if (symbol.source->index < 0 || symbol.source->index >= static_cast<int64_t>(shape.size())) {
        return fail(ErrorCode::kInternal, symbol.name + " names an axis that does not exist");
      }
      number = shape[static_cast<size_t>(symbol.source->index)];
    } else {
      const size_t bytes =
          TENWATT_TRY(value_bytes(graph, symbol.source->value, binding.shapes[value]));
      number = TENWATT_TRY(graph::dimension_element(graph.value(symbol.source->value).type.format,
                                                    {memory.crossing[value].data(), bytes},
                                                    symbol.source->index));
    }
    bindings[static_cast<size_t>(id)] = TENWATT_TRY(within_bounds(symbol, number));
  }
  return {};
}

Status StageRun::run(Bindings& bindings) const {
  TENWATT_TRY(prepare());
  for (const Step& step : binding.steps) {
    if (step.check) TENWATT_TRY(step.check(context));
  }
  TENWATT_TRY(stage.kind == StageKind::kExtent ? run_extent(bindings) : dispatch());
  return decide(bindings);
}

}  // namespace tenwatt::cpu
