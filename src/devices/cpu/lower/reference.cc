// The fallback of every operator: its reference kernel on member 0, over the run's own memory.
// Not for the decode path: it allocates its results.
#include <cstring>

#include "devices/cpu/lower/lower.h"
#include "graph/reference/reference.h"

namespace tenwatt::cpu {
namespace {

using graph::kNoValue;
using graph::ValueId;

/// What the step needs to wrap a value as a tensor.
struct Operand {
  ValueId id = kNoValue;
  Format format = Format::kF32;
  Shape shape;
  size_t bytes = 0;
};

Result<Operand> operand(const LowerInput& input, ValueId id) {
  if (id == kNoValue) return Operand{};
  const int64_t count = TENWATT_TRY(checked_elements(input.shape(id)));
  const size_t bytes = TENWATT_TRY(storage_bytes(input.format(id), count));
  return Operand{id, input.format(id), input.shape(id), bytes};
}

Result<graph::ReferenceInput> wrap(const Operand& operand, const StepContext& context) {
  if (operand.id == kNoValue) return graph::ReferenceInput();
  return graph::ReferenceInput(
      TENWATT_TRY(Tensor::wrap(operand.format, operand.shape,
                               {context.at<const std::byte>(operand.id), operand.bytes}, nullptr)));
}

Status copy_result(const Operand& to, const Tensor& result, const StepContext& context) {
  if (to.id == kNoValue || to.bytes == 0) return {};
  if (result.bytes().size() != to.bytes) {
    return fail(ErrorCode::kInternal, "the result has shape " + to_string(result.shape()) +
                                          ", planned as " + to_string(to.shape));
  }
  std::memcpy(context.at<std::byte>(to.id), result.bytes().data(), to.bytes);
  return {};
}

Status run_node(const graph::Node& node, const std::vector<Operand>& inputs,
                const std::vector<Operand>& outputs, const StepContext& context) {
  std::vector<graph::ReferenceInput> tensors;
  for (const Operand& input : inputs) tensors.push_back(TENWATT_TRY(wrap(input, context)));
  auto results = TENWATT_TRY(graph::run_reference(node, tensors));
  for (size_t i = 0; i < outputs.size() && i < results.size(); ++i) {
    TENWATT_TRY(copy_result(outputs[i], results[i], context));
  }
  return {};
}

}  // namespace

Result<Lowered> lower_reference(const LowerInput& input) {
  const graph::Node& node = input.node;
  if (!graph::reference_kernel(node.op)) {
    return fail(ErrorCode::kUnsupported, "no kernel computes the operator " + node.op);
  }
  std::vector<Operand> inputs;
  std::vector<Operand> outputs;
  Lowered lowered;
  for (ValueId id : node.inputs) {
    inputs.push_back(TENWATT_TRY(operand(input, id)));
    if (id != kNoValue) lowered.reads.push_back(id);
  }
  for (ValueId id : node.outputs) outputs.push_back(TENWATT_TRY(operand(input, id)));
  Step step;
  step.kernel = "reference " + node.op;
  step.kind = devices::KernelKind::kReference;
  step.crew = Crew::kSolo;
  step.run = [&node, inputs, outputs](StepContext& context) {
    Status status = run_node(node, inputs, outputs, context);
    if (!status) context.fail(std::move(status).error());
  };
  lowered.step = std::move(step);
  return lowered;
}

}  // namespace tenwatt::cpu
