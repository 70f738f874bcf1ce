// Builds small ONNX models for the importer's tests, right ones and wrong ones.
#pragma once

#include <initializer_list>
#include <string>
#include <vector>

#include "exchange/onnx_import.h"
#include "onnx_proto/onnx.pb.h"

namespace tenwatt::exchange {

/// A dynamic extent in a shape: its name, or "" for none.
struct Extent {
  Extent(int value) : value(value) {}       // NOLINT(google-explicit-constructor)
  Extent(const char* name) : name(name) {}  // NOLINT(google-explicit-constructor)
  int64_t value = -1;
  std::string name;
};

class ModelBuilder {
 public:
  explicit ModelBuilder(int64_t opset = 17) {
    proto.set_ir_version(8);
    proto.add_opset_import()->set_version(opset);
  }

  onnx::GraphProto& graph() { return *proto.mutable_graph(); }

  void input(const std::string& name, std::initializer_list<Extent> shape,
             int type = onnx::TensorProto::FLOAT) {
    auto& info = *graph().add_input();
    info.set_name(name);
    auto& tensor = *info.mutable_type()->mutable_tensor_type();
    tensor.set_elem_type(type);
    tensor.mutable_shape();
    for (const Extent& extent : shape) {
      auto& dim = *tensor.mutable_shape()->add_dim();
      if (extent.value >= 0) dim.set_dim_value(extent.value);
      if (!extent.name.empty()) dim.set_dim_param(extent.name);
    }
  }
  void output(const std::string& name) { graph().add_output()->set_name(name); }
  void initializer(const std::string& name, std::initializer_list<float> values) {
    auto& tensor = *graph().add_initializer();
    tensor.set_name(name);
    tensor.set_data_type(onnx::TensorProto::FLOAT);
    tensor.add_dims(static_cast<int64_t>(values.size()));
    for (const float value : values) tensor.add_float_data(value);
  }
  onnx::NodeProto& node(const std::string& op, std::initializer_list<const char*> inputs,
                        std::initializer_list<const char*> outputs) {
    return node_in(graph(), op, inputs, outputs);
  }
  static onnx::NodeProto& node_in(onnx::GraphProto& graph, const std::string& op,
                                  std::initializer_list<const char*> inputs,
                                  std::initializer_list<const char*> outputs) {
    auto& node = *graph.add_node();
    node.set_op_type(op);
    for (const char* name : inputs) node.add_input(name);
    for (const char* name : outputs) node.add_output(name);
    return node;
  }
  static onnx::AttributeProto& attribute(onnx::NodeProto& node, const std::string& name,
                                         onnx::AttributeProto::AttributeType type) {
    auto& attribute = *node.add_attribute();
    attribute.set_name(name);
    attribute.set_type(type);
    return attribute;
  }
  static void ints(onnx::NodeProto& node, const std::string& name,
                   std::initializer_list<int64_t> values) {
    auto& list = attribute(node, name, onnx::AttributeProto::INTS);
    for (const int64_t value : values) list.add_ints(value);
  }

  Result<graph::Graph> import() const { return import_onnx(files::OnnxModel(proto)); }
  /// The failure's code, or nothing if the model was accepted.
  std::optional<ErrorCode> failure() const {
    const Result<graph::Graph> graph = import();
    return graph ? std::nullopt : std::optional(graph.error().code);
  }

  onnx::ModelProto proto;
};

}  // namespace tenwatt::exchange
