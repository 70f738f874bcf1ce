#include "exchange/onnx_types.h"

#include "numbers/onnx_types.h"
#include "onnx_proto/onnx.pb.h"

namespace tenwatt::exchange {
namespace {

using graph::Dim;
using graph::Graph;
using graph::Range;

constexpr Range kDynamic{1, int64_t{1} << 20};
constexpr int kMostAxes = 64;

Dim named_symbol(const std::string& name, Graph& graph) {
  const auto known = graph.find_symbol(name);
  return Dim::symbol(known ? *known : graph.add_symbol(name, kDynamic));
}

Dim unnamed_symbol(std::string name, Graph& graph) {
  while (graph.find_symbol(name)) name += "_";
  return Dim::symbol(graph.add_symbol(std::move(name), kDynamic));
}

}  // namespace

Result<graph::Type> import_type(const onnx::ValueInfoProto& info, Graph& graph) {
  if (!info.type().has_tensor_type()) {
    return fail(ErrorCode::kUnsupported, "value \"" + info.name() + "\" is not a tensor");
  }
  const auto& tensor = info.type().tensor_type();
  Result<Format> format = format_of_onnx(tensor.elem_type());
  if (!format) return fail_in("value \"" + info.name() + "\"", std::move(format).error());
  if (!tensor.has_shape()) {
    return fail(ErrorCode::kUnsupported, "value \"" + info.name() + "\" has no declared rank",
                "export the model with shapes for its inputs");
  }
  if (tensor.shape().dim_size() > kMostAxes) {
    return fail(ErrorCode::kUnsupported, "value \"" + info.name() + "\" has " +
                                             std::to_string(tensor.shape().dim_size()) +
                                             " axes, more than " + std::to_string(kMostAxes));
  }
  graph::Type type{*format, {}, std::nullopt};
  for (const auto& dim : tensor.shape().dim()) {
    const auto axis = std::to_string(type.shape.size());
    // Some exporters write -1 for a dynamic extent.
    if (dim.has_dim_value() && dim.dim_value() >= 0) {
      type.shape.emplace_back(dim.dim_value());
    } else if (!dim.dim_param().empty()) {
      type.shape.push_back(named_symbol(dim.dim_param(), graph));
    } else {
      type.shape.push_back(unnamed_symbol(info.name() + "_" + axis, graph));
    }
  }
  return type;
}

}  // namespace tenwatt::exchange
