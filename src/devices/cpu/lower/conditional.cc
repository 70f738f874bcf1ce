// If: both branches are made ready as executables of their own, and member 0 runs the one that the
// condition chooses. Branches are small (an If that decides much is spliced or runs as a plan's
// own part), so they run on one thread and their arguments are wrapped anew each time.
#include <array>
#include <memory>

#include "devices/cpu/executable.h"
#include "devices/cpu/lower/lower.h"
#include "devices/interface/host_buffer.h"
#include "graph/ops/infer.h"
#include "graph/ops/schema.h"

namespace tenwatt::cpu {
namespace {

using graph::Graph;
using graph::ValueId;

/// A value of the outer graph that crosses into or out of a branch.
struct Crossing {
  ValueId value;
  size_t bytes;
};

struct Branch {
  std::vector<Crossing> inputs;
  std::vector<Crossing> outputs;
  std::unique_ptr<CpuExecutable> executable;
};

struct Conditional {
  std::array<Branch, 2> branches;  ///< else, then
  Team team{1};
  ValueId condition = graph::kNoValue;
};

Result<size_t> bytes_of(const LowerInput& input, ValueId id) {
  return storage_bytes(input.format(id), TENWATT_TRY(checked_elements(input.shape(id))));
}

/// The branch with the concrete types of what it captures.
Result<Graph> typed_branch(const LowerInput& input, std::string_view key,
                           const std::vector<size_t>& captured, const Graph& source) {
  Graph branch = source;
  for (size_t i = 0; i < branch.inputs.size(); ++i) {
    const size_t from = captured[i];
    const Shape& shape = input.in_shape(from);
    branch.value(branch.inputs[i]).type = {input.in_format(from), {shape.begin(), shape.end()}, {}};
  }
  auto inferred = graph::infer_shapes(branch);
  if (!inferred) return fail_in(std::string(key), inferred.error());
  TENWATT_TRY(branch.normalise());
  return branch;
}

Result<Branch> make_branch(const LowerInput& input, std::string_view key) {
  const graph::Attribute* attribute = input.node.attribute(key);
  const auto* source = attribute ? std::get_if<std::shared_ptr<const Graph>>(attribute) : nullptr;
  if (!source || !*source || (*source)->outputs.size() != input.node.outputs.size()) {
    return fail(ErrorCode::kInvalidArgument, "If has no fitting " + std::string(key));
  }
  const auto captured = TENWATT_TRY(graph::captured_inputs(input.node, **source));
  Graph graph = TENWATT_TRY(typed_branch(input, key, captured, **source));
  Branch branch;
  for (size_t i : captured) {
    branch.inputs.push_back({input.in(i), TENWATT_TRY(bytes_of(input, input.in(i)))});
  }
  for (size_t i = 0; i < graph.outputs.size(); ++i) {
    const ValueId outer = input.node.outputs[i];
    const graph::Type& type = graph.value(graph.outputs[i]).type;
    const Shape& wanted = input.shape(outer);
    if (type.format != input.format(outer) ||
        type.shape != graph::Dims(wanted.begin(), wanted.end())) {
      return fail(ErrorCode::kUnsupported,
                  "the " + std::string(key) + " gives another shape than the other branch",
                  "fix the condition, so that one branch remains");
    }
    branch.outputs.push_back({outer, TENWATT_TRY(bytes_of(input, outer))});
  }
  auto weights = std::make_shared<const Weights>(Weights::sources(graph));
  branch.executable = std::make_unique<CpuExecutable>(
      devices::Partition{std::move(graph), input.setup.precision, ""}, std::move(weights),
      input.setup);
  return branch;
}

/// Buffers over the memory of outer values, and arguments that name them.
struct Arguments {
  std::vector<std::unique_ptr<devices::HostBuffer>> buffers;
  std::vector<devices::Argument> list;

  Arguments(const StepContext& context, const std::vector<Crossing>& crossings) {
    for (const Crossing& crossing : crossings) {
      buffers.push_back(std::make_unique<devices::HostBuffer>(
          std::span(context.at<std::byte>(crossing.value), crossing.bytes)));
      list.push_back({buffers.back().get(), 0});
    }
  }
};

Status run_branch(Conditional& conditional, const StepContext& context) {
  const bool taken = *context.at<const uint8_t>(conditional.condition) != 0;
  const Branch& branch = conditional.branches[taken ? 1 : 0];
  const Arguments inputs(context, branch.inputs);
  const Arguments outputs(context, branch.outputs);
  devices::RunContext run;
  run.team = &conditional.team;
  graph::Bindings bindings;
  return branch.executable->run(bindings, inputs.list, outputs.list, run);
}

/// What both branches run on: a reference kernel in one of them is one for the node.
Result<devices::KernelKind> kind_of(const Conditional& conditional) {
  for (const Branch& branch : conditional.branches) {
    for (const std::string& kernel : TENWATT_TRY(branch.executable->kernels({}))) {
      if (kernel.starts_with("reference")) return devices::KernelKind::kReference;
    }
  }
  return devices::KernelKind::kOwn;
}

/// A branch whose shapes only a run can tell is left to the reference kernel.
Result<std::optional<Lowered>> lower_if(const LowerInput& input) {
  auto otherwise = make_branch(input, "else_branch");
  auto then = make_branch(input, "then_branch");
  if (!otherwise || !then) return std::optional<Lowered>();
  auto conditional = std::make_shared<Conditional>();
  conditional->branches[0] = std::move(*otherwise);
  conditional->branches[1] = std::move(*then);
  conditional->condition = input.in(0);
  Step step;
  step.kind = TENWATT_TRY(kind_of(*conditional));
  step.kernel = std::string("branches ") + input.setup.kernels->name;
  step.crew = Crew::kSolo;
  step.run = [conditional](StepContext& context) {
    Status status = run_branch(*conditional, context);
    if (!status) context.fail(std::move(status).error());
  };
  Lowered lowered;
  lowered.reads = input.node.inputs;
  lowered.step = std::move(step);
  return lowered;
}

constexpr OperatorRow kRows[] = {{"If", "branches", lower_if}};

}  // namespace

std::span<const OperatorRow> conditional_operators() { return kRows; }

}  // namespace tenwatt::cpu
