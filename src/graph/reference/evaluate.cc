// Interpreting a whole graph: values by id, symbols bound as shapes become concrete.
#include <algorithm>

#include "graph/ir/bind.h"
#include "graph/reference/kernel.h"
#include "graph/reference/reference.h"

namespace tenwatt::graph {
namespace {

class Evaluation {
 public:
  Evaluation(const Graph& graph, const EvaluateOptions& options)
      : graph_(graph),
        options_(options),
        values_(graph.values().size()),
        readers_(graph.values().size(), 0),
        bindings_(graph.symbols().size()) {}

  Status start(const std::map<std::string, Tensor>& inputs) {
    for (const auto& [name, number] : options_.symbols) {
      std::optional<SymbolId> id = graph_.find_symbol(name);
      if (!id) return fail(ErrorCode::kNotFound, "the graph has no symbol '" + name + "'");
      TENWATT_TRY(bind_symbol(graph_, *id, number, bindings_));
    }
    for (const auto& [name, tensor] : inputs) {
      std::optional<ValueId> id = graph_.find_value(name);
      if (!id) return fail(ErrorCode::kNotFound, "the graph has no value '" + name + "'");
      TENWATT_TRY(set_input(*id, tensor));
    }
    // Once more, for extents that an input named later decides.
    for (const auto& [name, tensor] : inputs) {
      TENWATT_TRY(bind_shape(graph_, *graph_.find_value(name), tensor.shape(), bindings_));
    }
    for (ValueId id : graph_.inputs) {
      if (!has(id) && !is_state_read(id)) {
        return fail(ErrorCode::kInvalidArgument,
                    "input '" + graph_.value(id).name + "' is missing");
      }
    }
    count_readers();
    return {};
  }

  Status run() {
    for (const Node& node : graph_.nodes()) TENWATT_TRY(step(node));
    return {};
  }

  Result<std::map<std::string, Tensor>> results() {
    std::map<std::string, Tensor> named;
    for (ValueId id : wanted()) named[graph_.value(id).name] = TENWATT_TRY(get(id));
    if (options_.keep != EvaluateOptions::Keep::kEveryValue) return named;
    for (size_t i = 0; i < values_.size(); ++i) {
      const Value& value = graph_.values()[i];
      if (values_[i] && value.producer != kNoNode) named[value.name] = *values_[i];
    }
    return named;
  }

 private:
  bool has(ValueId id) const { return values_[static_cast<size_t>(id)].has_value(); }

  bool is_state_read(ValueId id) const {
    return std::ranges::find(graph_.states, id, &State::read) != graph_.states.end();
  }

  std::vector<ValueId> wanted() const {
    std::vector<ValueId> ids = graph_.outputs;
    for (const State& state : graph_.states) {
      if (state.write != kNoValue) ids.push_back(state.write);
    }
    return ids;
  }

  Status set_input(ValueId id, const Tensor& tensor) {
    if (graph_.value(id).type.format != tensor.format()) {
      return fail(ErrorCode::kInvalidArgument, "an input of " +
                                                   std::string(info(tensor.format()).name) +
                                                   ", but the graph has " + graph_.describe(id));
    }
    TENWATT_TRY(bind_shape(graph_, id, tensor.shape(), bindings_));
    return set(id, tensor);
  }

  void count_readers() {
    for (const Node& node : graph_.nodes()) {
      for (ValueId id : node.inputs) {
        if (id != kNoValue) ++readers_[static_cast<size_t>(id)];
      }
    }
    for (ValueId id : wanted()) ++readers_[static_cast<size_t>(id)];
  }

  /// Stores a value and binds the symbols that its elements or extents decide.
  Status set(ValueId id, Tensor tensor) {
    for (size_t i = 0; i < graph_.symbols().size(); ++i) {
      const auto& source = graph_.symbols()[i].source;
      if (!source || source->value != id) continue;
      int64_t number = TENWATT_TRY(sourced(*source, tensor));
      TENWATT_TRY(bind_symbol(graph_, static_cast<SymbolId>(i), number, bindings_));
    }
    values_[static_cast<size_t>(id)] = std::move(tensor);
    return {};
  }

  /// Stores a computed value, whose shape must be what inference says, if it says anything.
  Status set_computed(ValueId id, Tensor tensor) {
    bool inferred = !graph_.value(id).type.shape.empty();
    if (inferred) TENWATT_TRY(bind_shape(graph_, id, tensor.shape(), bindings_));
    return set(id, std::move(tensor));
  }

  static Result<int64_t> sourced(const Symbol::Source& source, const Tensor& tensor) {
    size_t index = static_cast<size_t>(source.index);
    if (source.kind == Symbol::Source::Kind::kExtent) {
      if (index >= tensor.shape().size()) {
        return fail(ErrorCode::kInternal, "a symbol's source has no such axis");
      }
      return tensor.shape()[index];
    }
    std::vector<int64_t> numbers = TENWATT_TRY(reference::integers_of(tensor, "a symbol's source"));
    if (index >= numbers.size()) {
      return fail(ErrorCode::kInternal, "a symbol's source has no such element");
    }
    return numbers[index];
  }

  Result<Tensor> get(ValueId id) {
    if (has(id)) return *values_[static_cast<size_t>(id)];
    const Value& value = graph_.value(id);
    if (value.constant) return *value.constant;
    if (is_state_read(id)) return zero_state(value);
    if (value.known) return materialise(value, bindings_);
    return fail(ErrorCode::kInternal, "nothing computes '" + value.name + "'");
  }

  Result<Tensor> zero_state(const Value& value) const {
    Shape shape = TENWATT_TRY(bound_shape(value.type.shape, bindings_));
    return Tensor::create(value.type.format, std::move(shape));
  }

  Status step(const Node& node) {
    std::vector<ReferenceInput> inputs;
    for (ValueId id : node.inputs) {
      if (id == kNoValue) {
        inputs.emplace_back();
      } else {
        inputs.emplace_back(TENWATT_TRY(get(id)));
      }
    }
    std::vector<Tensor> outputs = TENWATT_TRY(run_reference(node, inputs, options_.context));
    for (size_t i = 0; i < outputs.size() && i < node.outputs.size(); ++i) {
      ValueId id = node.outputs[i];
      if (id == kNoValue) continue;
      if (options_.observe) options_.observe(id, outputs[i]);
      TENWATT_TRY(set_computed(id, std::move(outputs[i])));
    }
    release(node);
    return {};
  }

  void release(const Node& node) {
    for (ValueId id : node.inputs) {
      if (id == kNoValue) continue;
      size_t at = static_cast<size_t>(id);
      if (--readers_[at] == 0 && options_.keep == EvaluateOptions::Keep::kOutputs) {
        values_[at].reset();
      }
    }
  }

  const Graph& graph_;
  const EvaluateOptions& options_;
  std::vector<std::optional<Tensor>> values_;
  std::vector<int64_t> readers_;  ///< uses that are still to come
  Bindings bindings_;
};

}  // namespace

Result<Tensor> materialise(const Value& value, const Bindings& bindings) {
  if (!value.known) return fail(ErrorCode::kInternal, "'" + value.name + "' is not known");
  Shape shape = TENWATT_TRY(bound_shape(value.type.shape, bindings));
  Tensor tensor = TENWATT_TRY(Tensor::create(value.type.format, std::move(shape)));
  if (tensor.count() != std::ssize(*value.known)) {
    return fail(ErrorCode::kInternal, "'" + value.name + "' knows " +
                                          std::to_string(value.known->size()) +
                                          " elements, its shape is " + to_string(tensor.shape()));
  }
  std::vector<int64_t> numbers;
  for (const Dim& dim : *value.known) numbers.push_back(TENWATT_TRY(dim.evaluate(bindings)));
  TENWATT_TRY(reference::with_scalar(tensor.format(), value.name, [&]<class T>() -> Status {
    std::ranges::transform(numbers, tensor.mutable_values<T>().begin(), [](int64_t number) {
      if constexpr (std::is_same_v<T, reference::Truth>) {
        return T(number != 0);
      } else {
        return T(static_cast<reference::Work<T>>(number));
      }
    });
    return {};
  }));
  return tensor;
}

Result<std::map<std::string, Tensor>> evaluate(const Graph& graph,
                                               const std::map<std::string, Tensor>& inputs,
                                               const EvaluateOptions& options) {
  Evaluation evaluation(graph, options);
  TENWATT_TRY(evaluation.start(inputs));
  TENWATT_TRY(evaluation.run());
  return evaluation.results();
}

}  // namespace tenwatt::graph
