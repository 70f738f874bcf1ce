// The model's envelope: which operator sets it uses and what it may not contain.
#include "exchange/onnx_import.h"

#include <algorithm>
#include <string_view>

#include "exchange/onnx_scope.h"
#include "onnx_proto/onnx.pb.h"

namespace tenwatt::exchange {
namespace {

constexpr int64_t kOldestOpset = 7;  // the first with today's broadcasting
constexpr int64_t kNewestOpset = 28;

// Operators that older opsets define as today, so that their models can be read all the same.
constexpr std::string_view kNeverChanged[] = {"Constant", "Identity", "Not", "Shape", "Transpose"};

bool never_changed(const onnx::GraphProto& graph) {
  return std::ranges::all_of(graph.node(), [](const onnx::NodeProto& node) {
    return std::ranges::find(kNeverChanged, node.op_type()) != std::end(kNeverChanged);
  });
}

Result<int64_t> opset_of(const onnx::ModelProto& model) {
  int64_t opset = 0;
  for (const auto& import : model.opset_import()) {
    if (is_standard_domain(import.domain())) opset = std::max(opset, import.version());
  }
  if (opset >= kOldestOpset && opset <= kNewestOpset) return opset;
  if (opset > 0 && opset < kOldestOpset && never_changed(model.graph())) return kOldestOpset;
  return fail(ErrorCode::kUnsupported,
              "the model uses opset " + std::to_string(opset) + " (7 to 28 are read)",
              "convert it with onnx.version_converter");
}

}  // namespace

Result<graph::Graph> import_onnx(files::OnnxModel model) {
  onnx::ModelProto& proto = model.proto();
  if (proto.functions_size() > 0) {
    return fail(ErrorCode::kUnsupported, "the model defines functions of its own",
                "inline them with onnx.inliner.inline_local_functions");
  }
  OnnxScope scope;
  scope.opset = TENWATT_TRY(opset_of(proto));
  scope.folder = model.folder();
  return import_graph(*proto.mutable_graph(), scope);
}

Result<graph::Graph> import_onnx(const std::string& path) {
  Result<graph::Graph> graph = import_onnx(TENWATT_TRY(files::read_onnx(path)));
  if (!graph) return fail_in(path, std::move(graph).error());
  return graph;
}

}  // namespace tenwatt::exchange
