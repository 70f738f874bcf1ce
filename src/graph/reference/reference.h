// The reference interpreter: one plain kernel per operator, and an evaluator that runs a whole
// graph with them. It is the oracle that every device is compared with, folds constants, and
// serves operators that only move or index data. It is not meant to be fast at arithmetic: float
// sums are accumulated in double and loops are as the operator's definition states them.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "graph/ir/graph.h"
#include "numbers/tensor.h"

namespace tenwatt::graph {

/// One input of a kernel; nullopt where an optional input is absent (kNoValue, or trailing).
using ReferenceInput = std::optional<Tensor>;

/// The rows of one sequence in a run: rows [first_row, first_row + rows) of the tokens axis, at
/// positions [position, position + rows).
struct ReferenceSlice {
  int64_t first_row = 0;
  int64_t rows = 0;
  int64_t position = 0;
  /// Past rows of append states by State::name, f32 [past, row...]: the rows at positions
  /// [position - past, position). An absent state has no past rows.
  std::map<std::string, Tensor, std::less<>> past;
};

/// What kernels see besides their node and its inputs.
struct ReferenceContext {
  /// Slices of the tokens axis, for sequence operators. Empty: all rows are one slice at position
  /// 0 without past rows.
  std::span<const ReferenceSlice> slices;
  /// Start of the random operators' stream where the node has no `seed` attribute.
  uint64_t seed = 0;
};

/// Computes a node's outputs, in the order of Node::outputs, from concrete inputs. Inputs are
/// checked: a shape, type or attribute that the operator does not allow is an error.
using ReferenceKernel = Result<std::vector<Tensor>> (*)(const Node& node,
                                                        std::span<const ReferenceInput> inputs,
                                                        const ReferenceContext& context);

/// The kernel of an operator, or null if there is none.
ReferenceKernel reference_kernel(std::string_view op);

/// Every operator that has a kernel, ascending.
std::vector<std::string_view> reference_operators();

/// Runs one node on concrete tensors. Errors name the node. Thread-safe.
Result<std::vector<Tensor>> run_reference(const Node& node, std::span<const ReferenceInput> inputs,
                                          const ReferenceContext& context = {});

struct EvaluateOptions {
  enum class Keep : uint8_t {
    kOutputs,     ///< graph outputs and state writes; other values are freed after their last use
    kEveryValue,  ///< all computed values too
  };
  Keep keep = Keep::kOutputs;
  ReferenceContext context;
  /// Symbols that no input's shape decides, by name. Input shapes bind the others.
  std::map<std::string, int64_t, std::less<>> symbols;
  /// Called for every computed value, in execution order.
  std::function<void(ValueId, const Tensor&)> observe;
};

/// Interprets a graph: `inputs` by value name, results by value name.
///
/// Inputs are graph inputs and, where given, `read` values of states; a state that is read and not
/// given is zero. The inputs' shapes bind the graph's symbols (an extent affine in one unbound
/// symbol decides it), and so do the shapes and elements of computed values that data-dependent
/// symbols name as their source. A node input that nothing computes but whose elements are known as
/// expressions (Value::known) is materialised from those bindings.
Result<std::map<std::string, Tensor>> evaluate(const Graph& graph,
                                               const std::map<std::string, Tensor>& inputs,
                                               const EvaluateOptions& options = {});

/// The elements of `known` under `bindings` as an integer tensor of the value's format and shape.
Result<Tensor> materialise(const Value& value, const Bindings& bindings);

}  // namespace tenwatt::graph
