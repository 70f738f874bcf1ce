// The registry of reference kernels, and running one node with it.
#include "graph/reference/reference.h"

#include <functional>
#include <new>
#include <stdexcept>

#include "graph/reference/kernel.h"

namespace tenwatt::graph {
namespace {

using Registry = std::map<std::string_view, ReferenceKernel, std::less<>>;

const Registry& registry() {
  static const Registry kernels = [] {
    using namespace reference;
    Registry all;
    for (auto entries :
         {cast_kernels, control_kernels, conv_kernels, elementwise_kernels, index_kernels,
          matmul_kernels, move_kernels, norm_kernels, pad_kernels, quantize_kernels,
          pooling_kernels, quantised_product_kernels, random_kernels, recurrent_kernels,
          reduce_kernels, sequence_kernels, shape_kernels, unary_kernels}) {
      for (const Entry& entry : entries()) all.emplace(entry.op, entry.kernel);
    }
    return all;
  }();
  return kernels;
}

/// Shapes come from models, so what a kernel needs may be more than there is.
Result<std::vector<Tensor>> run_within_memory(ReferenceKernel kernel, const Node& node,
                                              std::span<const ReferenceInput> inputs,
                                              const ReferenceContext& context) {
  try {
    return kernel(node, inputs, context);
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::kOutOfMemory, "there is not enough memory for its values");
  } catch (const std::length_error&) {
    return fail(ErrorCode::kOutOfMemory, "its values are larger than any memory");
  }
}

std::string describe(const Node& node) {
  return node.name.empty() ? node.op : node.op + " '" + node.name + "'";
}

}  // namespace

ReferenceKernel reference_kernel(std::string_view op) {
  auto found = registry().find(op);
  return found == registry().end() ? nullptr : found->second;
}

std::vector<std::string_view> reference_operators() {
  std::vector<std::string_view> names;
  for (const auto& [op, kernel] : registry()) names.push_back(op);
  return names;
}

Result<std::vector<Tensor>> run_reference(const Node& node, std::span<const ReferenceInput> inputs,
                                          const ReferenceContext& context) {
  ReferenceKernel kernel = reference_kernel(node.op);
  if (kernel == nullptr) {
    return fail(ErrorCode::kUnsupported, describe(node) + ": there is no such operator");
  }
  Result<std::vector<Tensor>> results = run_within_memory(kernel, node, inputs, context);
  if (!results) return fail_in(describe(node), std::move(results).error());
  if (results->size() < node.outputs.size()) {
    return fail(ErrorCode::kInvalidArgument,
                describe(node) + ": the node has " + std::to_string(node.outputs.size()) +
                    " outputs, the operator " + std::to_string(results->size()));
  }
  if (!node.outputs.empty()) results->resize(node.outputs.size());
  return results;
}

}  // namespace tenwatt::graph
