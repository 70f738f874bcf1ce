// An ONNX file on its way to a graph that can be planned: import, shape inference, all rewrites.
#include "exchange/onnx_import.h"
#include "fuzz/parser.h"
#include "graph/ops/infer.h"
#include "graph/rewrites/optimise.h"
#include "unit/exchange/onnx_build.h"

namespace tenwatt::fuzz {
namespace {

using exchange::ModelBuilder;

// Shape arithmetic, a convolution, a conditional with two branches, and constants to be folded.
std::string example() {
  ModelBuilder model;
  model.input("x", {1, 2, "n"});
  model.input("flag", {}, onnx::TensorProto::BOOL);
  model.initializer("bias", {1, 2, 3, 4});
  auto& weight = *model.graph().add_initializer();
  weight.set_name("weight");
  weight.set_data_type(onnx::TensorProto::FLOAT);
  for (const int64_t extent : {4, 2, 3}) weight.add_dims(extent);
  weight.set_raw_data(std::string(96, '\1'));
  auto& shape = *model.graph().add_initializer();
  shape.set_name("shape");
  shape.set_data_type(onnx::TensorProto::INT64);
  shape.add_dims(2);
  shape.add_int64_data(4);
  shape.add_int64_data(-1);
  auto& conv = model.node("Conv", {"x", "weight", "bias"}, {"c"});
  ModelBuilder::ints(conv, "pads", {1, 1});
  model.node("Reshape", {"c", "shape"}, {"r"});
  model.node("Shape", {"r"}, {"s"});
  model.node("ConstantOfShape", {"s"}, {"zeros"});
  model.node("Add", {"bias", "bias"}, {"folded"});
  auto& choice = model.node("If", {"flag"}, {"y"});
  for (const char* name : {"then_branch", "else_branch"}) {
    auto& attribute = ModelBuilder::attribute(choice, name, onnx::AttributeProto::GRAPH);
    auto& branch = *attribute.mutable_g();
    ModelBuilder::node_in(branch, "Add", {"r", "zeros"}, {"out"});
    branch.add_output()->set_name("out");
  }
  model.output("y");
  model.output("folded");
  return model.proto.SerializeAsString();
}

// An older opset, whose forms change on the way in, and a conditional that is decided on the way
// in.
std::string example_opset_11() {
  ModelBuilder model(11);
  model.input("x", {"batch", 3});
  model.initializer("w", {1, 2, 3});
  model.node("Add", {"x", "w"}, {"sum"});
  ModelBuilder::ints(model.node("ReduceSum", {"sum"}, {"total"}), "axes", {1});
  auto& constant = model.node("Constant", {}, {"yes"});
  auto& value =
      *ModelBuilder::attribute(constant, "value", onnx::AttributeProto::TENSOR).mutable_t();
  value.set_data_type(onnx::TensorProto::BOOL);
  value.set_raw_data("\1");
  auto& choice = model.node("If", {"yes"}, {"y"});
  for (const char* name : {"then_branch", "else_branch"}) {
    auto& branch = *ModelBuilder::attribute(choice, name, onnx::AttributeProto::GRAPH).mutable_g();
    ModelBuilder::node_in(branch, "Softmax", {"total"}, {name});
    branch.add_output()->set_name(name);
  }
  model.output("y");
  return model.proto.SerializeAsString();
}

bool accepts(std::string_view bytes) {
  auto model = files::OnnxModel::parse(std::as_bytes(std::span(bytes)));
  if (!model) return false;
  auto graph = exchange::import_onnx(std::move(*model));
  if (!graph) return false;
  if (!graph::infer_shapes(*graph)) return false;
  return graph::optimise(*graph).has_value();
}

const Registered kOnnx{{"onnx", Cuts::kMayBeValid, example, accepts}};
const Registered kOpset11{{"onnx_opset_11", Cuts::kMayBeValid, example_opset_11, accepts}};

}  // namespace
}  // namespace tenwatt::fuzz
