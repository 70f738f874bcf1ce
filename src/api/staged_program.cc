#include "api/staged_program.h"

#include <algorithm>
#include <deque>
#include <mutex>
#include <numeric>

#include "graph/ir/bind.h"
#include "graph/ops/inference.h"
#include "graph/rewrites/optimise.h"

namespace tenwatt {
namespace {

using engine::Program;
using graph::Graph;
using graph::kNoNode;
using graph::kNoValue;
using graph::ValueId;

constexpr size_t kMostPlans = 8;     // kept for each decision
constexpr int kMostDecisions = 256;  // on one way through the tree

/// The first If, in order of execution, that `value` depends on (all of them for no value).
std::optional<ValueId> first_condition(const Graph& graph, std::optional<ValueId> value) {
  std::vector<bool> needed(graph.values().size(), !value);
  if (value) needed[static_cast<size_t>(*value)] = true;
  std::optional<ValueId> first;
  for (size_t i = graph.nodes().size(); i-- > 0;) {
    const graph::Node& node = graph.nodes()[i];
    const bool used = std::ranges::any_of(node.outputs, [&](ValueId id) {
      return id != kNoValue && needed[static_cast<size_t>(id)];
    });
    if (!used) continue;
    for (const ValueId id : node.inputs)
      if (id != kNoValue) needed[static_cast<size_t>(id)] = true;
    if (node.op == "If") first = node.inputs[0];
  }
  return first;
}

/// The graph's symbols that its inputs' shapes bind.
bool has_open_shapes(const Graph& graph) {
  return std::ranges::any_of(graph.inputs, [&](ValueId id) {
    return std::ranges::any_of(graph.value(id).type.shape,
                               [](const graph::Dim& dim) { return !dim.is_constant(); });
  });
}

/// With `value` known: what computed it goes, where nothing else needs it.
Status decide_value(Graph& graph, ValueId value, const Tensor& number) {
  std::vector<ValueId> with(graph.values().size());
  std::iota(with.begin(), with.end(), 0);
  const std::string name = graph.value(value).name + ".decided";
  const ValueId constant = graph.add_constant(name, number);
  with[static_cast<size_t>(value)] = constant;
  graph.redirect(with);
  std::erase(graph.inputs, value);
  graph.undecided.reset();
  graph.compact();
  return graph.normalise();
}

/// With the extents of the inputs as they are.
Status decide_shapes(Graph& graph, const StagedProgram::Inputs& inputs) {
  // The bounds of symbols serve plans for many shapes; this one is for a single shape.
  for (size_t s = 0; s < graph.symbols().size(); ++s) {
    graph::Symbol& symbol = graph.symbol(static_cast<graph::SymbolId>(s));
    if (!symbol.source) symbol.bounds = {0, INT64_MAX};
  }
  graph::Bindings bindings;
  for (const ValueId id : graph.inputs) {
    const auto given = inputs.find(graph.value(id).name);
    if (given == inputs.end()) continue;
    TENWATT_TRY(graph::bind_shape(graph, id, given->second.shape(), bindings));
  }
  for (size_t s = 0; s < bindings.size(); ++s) {
    if (bindings[s])
      graph::substitute(graph, static_cast<graph::SymbolId>(s), graph::Dim(*bindings[s]));
  }
  return {};
}

}  // namespace

struct StagedProgram::Stage {
  std::shared_ptr<Program> program;  ///< a leaf's

  // What an inner stage decides: a value, or the inputs' shapes.
  Graph graph;
  std::optional<ValueId> value;
  std::shared_ptr<Program> computes;  ///< the value; null where it is an input
  std::string why;                    ///< there is no plan for all shapes

  mutable std::mutex mutex;
  std::map<std::string, std::shared_ptr<Stage>, std::less<>> next;  ///< by what was decided
  std::deque<std::string> oldest;

  static Result<std::shared_ptr<Stage>> make(Graph graph, const Prepare& prepare);
  Result<Tensor> decide(const Inputs& inputs, const std::atomic<bool>* cancel) const;
  Result<std::shared_ptr<Stage>> follow(const Inputs& inputs, const Prepare& prepare,
                                        const std::atomic<bool>* cancel);
};

Result<std::shared_ptr<StagedProgram::Stage>> StagedProgram::Stage::make(Graph graph,
                                                                         const Prepare& prepare) {
  auto stage = std::make_shared<Stage>();
  if (graph.one_run && has_open_shapes(graph)) {
    stage->graph = std::move(graph);
    return stage;
  }
  auto optimised = graph::optimise(graph);
  std::optional<ValueId> wanted;
  if (optimised) {
    wanted = first_condition(graph, std::nullopt);
  } else if (graph.undecided) {
    const auto before = first_condition(graph, graph.undecided);
    wanted = before ? before : graph.undecided;
  }
  if (optimised && !wanted && !has_open_shapes(graph)) {
    stage->program = TENWATT_TRY(prepare(std::move(graph)));
    return stage;
  }
  if (optimised && !wanted) {
    auto program = prepare(graph);
    if (program) {
      stage->program = std::move(*program);
      return stage;
    }
    optimised = std::unexpected(std::move(program).error());
  }
  if (!wanted) {
    // Fixed shapes may do, except where it is the operator that no device knows.
    const bool hopeless = optimised.error().code == ErrorCode::kUnsupported;
    if (hopeless || !has_open_shapes(graph)) return std::unexpected(std::move(optimised).error());
    stage->why = optimised.error().message;
  }
  stage->value = wanted;
  stage->graph = std::move(graph);
  if (!wanted || stage->graph.is_input(*wanted)) return stage;
  const ValueId outputs[] = {*wanted};
  Graph cut = TENWATT_TRY(graph::extract(stage->graph, stage->graph.inputs, outputs));
  auto computes = prepare(std::move(cut));
  if (computes) {
    stage->computes = std::move(*computes);
    return stage;
  }
  if (!has_open_shapes(stage->graph)) return std::unexpected(std::move(computes).error());
  stage->why = computes.error().message;
  stage->value.reset();
  return stage;
}

Result<Tensor> StagedProgram::Stage::decide(const Inputs& inputs,
                                            const std::atomic<bool>* cancel) const {
  if (!computes) return inputs.at(graph.value(*value).name);
  engine::RunOptions options;
  options.cancel = cancel;
  return TENWATT_TRY(run_with(*computes, inputs, options)).at(0);
}

Result<std::shared_ptr<StagedProgram::Stage>> StagedProgram::Stage::follow(
    const Inputs& inputs, const Prepare& prepare, const std::atomic<bool>* cancel) {
  std::string key;
  Tensor number;
  if (value) {
    number = TENWATT_TRY(decide(inputs, cancel));
    key = to_string(number.shape());
    const std::span<const std::byte> bytes = number.bytes();
    key.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  } else {
    for (const ValueId id : graph.inputs) key += to_string(inputs.at(graph.value(id).name).shape());
  }
  const std::scoped_lock lock(mutex);
  if (const auto known = next.find(key); known != next.end()) return known->second;
  Graph decided = graph;
  TENWATT_TRY(value ? decide_value(decided, *value, number) : decide_shapes(decided, inputs));
  auto stage = TENWATT_TRY(make(std::move(decided), prepare));
  if (oldest.size() == kMostPlans) {
    next.erase(oldest.front());
    oldest.pop_front();
  }
  oldest.push_back(key);
  next.emplace(std::move(key), stage);
  return stage;
}

StagedProgram::StagedProgram(Prepare prepare, std::shared_ptr<Stage> first)
    : prepare_(std::move(prepare)), first_(std::move(first)) {}
StagedProgram::~StagedProgram() = default;

Result<std::unique_ptr<StagedProgram>> StagedProgram::create(Graph graph, Prepare prepare) {
  auto first = TENWATT_TRY(Stage::make(std::move(graph), prepare));
  return std::unique_ptr<StagedProgram>(new StagedProgram(std::move(prepare), std::move(first)));
}

Result<std::shared_ptr<Program>> StagedProgram::program_for(const Inputs& inputs,
                                                            const std::atomic<bool>* cancel) const {
  std::shared_ptr<Stage> stage = first_;
  for (int decisions = 0; !stage->program; ++decisions) {
    if (decisions == kMostDecisions) {
      return fail(ErrorCode::kUnsupported, "more than " + std::to_string(kMostDecisions) +
                                               " values decide how this graph is planned");
    }
    stage = TENWATT_TRY(stage->follow(inputs, prepare_, cancel));
  }
  return stage->program;
}

std::shared_ptr<Program> StagedProgram::only_program() const { return first_->program; }

std::string StagedProgram::first_decision() const {
  if (first_->value) return "the value " + first_->graph.describe(*first_->value);
  return "the shapes of its inputs (" + first_->why + ")";
}

Result<std::vector<Tensor>> run_with(const Program& program, const StagedProgram::Inputs& inputs,
                                     const engine::RunOptions& options) {
  engine::Batch batch;
  for (const ValueId id : program.graph().inputs) {
    const auto given = inputs.find(program.graph().value(id).name);
    if (given != inputs.end()) batch.inputs.emplace(given->first, given->second);
  }
  return program.run(batch, options);
}

}  // namespace tenwatt
