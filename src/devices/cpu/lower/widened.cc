// Nodes over 16-bit floats that have no kernel for them: inputs are widened to f32, the node is
// lowered over f32, results are rounded once. The node's own step runs unchanged, on copies.
#include <algorithm>
#include <memory>

#include "devices/cpu/arena.h"
#include "devices/cpu/lower/lower.h"

namespace tenwatt::cpu {
namespace {

using graph::Graph;
using graph::ValueId;

constexpr int64_t kGrain = 64;

bool is_half(Format format) { return format == Format::kF16 || format == Format::kBF16; }

/// The f32 copy of a value, in shared scratch.
struct Copy {
  ValueId value;  ///< of the real graph
  Format format;
  int64_t count;
  size_t offset;
};

/// Where the inner step finds a value: a copy, or the value itself.
struct Home {
  ValueId value = graph::kNoValue;
  std::optional<size_t> offset;
};

/// The node alone in a graph whose 16-bit floats are f32.
struct Wide {
  Graph graph;
  std::vector<Shape> shapes;  ///< by inner ValueId
  std::vector<Home> homes;    ///< by inner ValueId
  std::vector<Copy> inputs;
  std::vector<Copy> outputs;
  Weights weights;  ///< none: constants are read as values
  Step step;
  size_t scratch = 0;

  size_t homes_bytes() const { return align_up(homes.size() * sizeof(std::byte*)); }
};

ValueId add_value(Wide& wide, const LowerInput& input, ValueId outer, std::vector<Copy>& copies) {
  if (outer == graph::kNoValue) return outer;
  const graph::Value& from = input.graph.value(outer);
  const ValueId inner = wide.graph.add_value(from.name, from.type);
  graph::Value& value = wide.graph.value(inner);
  value.known = from.known;
  wide.shapes.push_back(input.shape(outer));
  wide.homes.push_back({outer, std::nullopt});
  if (!is_half(from.type.format)) {
    value.constant = from.constant;
    return inner;
  }
  value.type.format = Format::kF32;
  const int64_t count = elements(input.shape(outer));
  wide.homes.back().offset = wide.scratch;
  copies.push_back({outer, from.type.format, count, wide.scratch});
  wide.scratch += align_up(static_cast<size_t>(count) * sizeof(float));
  return inner;
}

float* floats_of(const Copy& copy, const StepContext& context) {
  return reinterpret_cast<float*>(context.shared_scratch + copy.offset);
}

void widen(const KernelTable& kernels, const Copy& copy, const StepContext& context) {
  const auto share = context.share(copy.count, kGrain);
  if (share.begin >= share.end) return;
  const auto* from = context.at<const uint16_t>(copy.value) + share.begin;
  const auto function = copy.format == Format::kF16 ? kernels.from_f16 : kernels.from_bf16;
  function(from, floats_of(copy, context) + share.begin, share.end - share.begin);
}

void narrow(const KernelTable& kernels, const Copy& copy, const StepContext& context) {
  const auto share = context.share(copy.count, kGrain);
  if (share.begin >= share.end) return;
  const auto function = copy.format == Format::kF16 ? kernels.to_f16 : kernels.to_bf16;
  function(floats_of(copy, context) + share.begin, context.at<uint16_t>(copy.value) + share.begin,
           share.end - share.begin);
}

void run_wide(const Wide& wide, const KernelTable& kernels, const StepContext& context) {
  for (const Copy& copy : wide.inputs) widen(kernels, copy, context);
  if (!context.barrier()) return;
  if (wide.step.run) {
    auto** values = reinterpret_cast<std::byte**>(context.member_scratch);
    for (size_t i = 0; i < wide.homes.size(); ++i) {
      const Home& home = wide.homes[i];
      values[i] =
          home.offset ? context.shared_scratch + *home.offset : context.at<std::byte>(home.value);
    }
    StepContext inner = context;
    inner.values = values;
    inner.shared_scratch = context.shared_scratch + wide.scratch;
    inner.member_scratch = context.member_scratch + wide.homes_bytes();
    wide.step.run(inner);
    if (!context.barrier()) return;
  }
  for (const Copy& copy : wide.outputs) narrow(kernels, copy, context);
}

/// A result that only renames a copy is narrowed from that copy.
bool follow_aliases(Wide& wide, const std::vector<Alias>& aliases) {
  for (const Alias& alias : aliases) {
    const auto& source = wide.homes[static_cast<size_t>(alias.input)].offset;
    const ValueId outer = wide.homes[static_cast<size_t>(alias.output)].value;
    const auto copy = std::ranges::find(wide.outputs, outer, &Copy::value);
    if (!source || copy == wide.outputs.end()) return false;
    copy->offset = *source + alias.offset;
  }
  return true;
}

}  // namespace

Result<std::optional<Lowered>> lower_widened(const LowerInput& input) {
  const auto half = [&](ValueId id) { return id != graph::kNoValue && is_half(input.format(id)); };
  if (!std::ranges::any_of(input.node.inputs, half) &&
      !std::ranges::any_of(input.node.outputs, half)) {
    return std::optional<Lowered>();
  }
  auto wide = std::make_shared<Wide>();
  graph::Node node = input.node;
  for (ValueId& id : node.inputs) id = add_value(*wide, input, id, wide->inputs);
  for (ValueId& id : node.outputs) id = add_value(*wide, input, id, wide->outputs);
  const graph::NodeId only = wide->graph.add_node(std::move(node));
  const LowerInput inner{wide->graph,    wide->graph.node(only), wide->shapes,
                         input.bindings, wide->weights,          input.setup};
  const OperatorRow* row = find_operator(input.node.op);
  auto made = TENWATT_TRY(row->lower(inner));
  if (!made || !follow_aliases(*wide, made->aliases)) return std::optional<Lowered>();
  Lowered lowered;
  for (ValueId id : made->reads) {
    if (id != graph::kNoValue) lowered.reads.push_back(wide->homes[static_cast<size_t>(id)].value);
  }
  for (const Copy& copy : wide->inputs) lowered.reads.push_back(copy.value);
  Step step;
  step.crew = Crew::kSolo;
  if (made->step) {
    wide->step = std::move(*made->step);
    step = wide->step;
  }
  if (step.crew == Crew::kEach) step.crew = Crew::kSolo;  // copies lie in shared scratch
  step.kernel = "widened " + (step.kernel.empty() ? "cast" : step.kernel);
  step.shared_scratch += wide->scratch;
  step.member_scratch += wide->homes_bytes();
  step.run = [wide, kernels = input.setup.kernels](StepContext& context) {
    run_wide(*wide, *kernels, context);
  };
  lowered.step = std::move(step);
  return lowered;
}

}  // namespace tenwatt::cpu
