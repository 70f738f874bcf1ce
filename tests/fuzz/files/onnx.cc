#include "files/onnx.h"

#include "files/onnx_external.h"
#include "fuzz/parser.h"
#include "onnx_proto/onnx.pb.h"

namespace tenwatt::fuzz {
namespace {

// A tensor in each way that ONNX stores one.
std::string example() {
  onnx::ModelProto model;
  model.set_ir_version(8);
  model.add_opset_import()->set_version(17);
  auto& graph = *model.mutable_graph();
  graph.set_name("small");
  const auto add = [&](const char* name, int type, int64_t count) -> onnx::TensorProto& {
    onnx::TensorProto& tensor = *graph.add_initializer();
    tensor.set_name(name);
    tensor.set_data_type(type);
    tensor.add_dims(count);
    return tensor;
  };
  add("raw", onnx::TensorProto::FLOAT, 4).set_raw_data(std::string(16, '\1'));
  add("floats", onnx::TensorProto::FLOAT, 1).add_float_data(2.5f);
  add("int64s", onnx::TensorProto::INT64, 1).add_int64_data(7);
  add("halves", onnx::TensorProto::FLOAT16, 1).add_int32_data(0x3c00);
  add("doubles", onnx::TensorProto::DOUBLE, 1).add_double_data(0.5);
  onnx::TensorProto& external = add("external", onnx::TensorProto::FLOAT, 1);
  external.set_data_location(onnx::TensorProto::EXTERNAL);
  for (const auto& [key, value] :
       {std::pair("location", "weights.bin"), std::pair("offset", "0"), std::pair("length", "4")}) {
    auto& entry = *external.add_external_data();
    entry.set_key(key);
    entry.set_value(value);
  }
  return model.SerializeAsString();
}

bool accepts(std::string_view bytes) {
  (void)files::onnx_external_locations(std::as_bytes(std::span(bytes)));
  auto model = files::OnnxModel::parse(std::as_bytes(std::span(bytes)), "/proc/self/fdinfo");
  if (!model) return false;
  for (auto& proto : *model->proto().mutable_graph()->mutable_initializer()) {
    if (const auto tensor = files::take_onnx_tensor(proto, model->folder())) {
      (void)tensor->to_f32();
    }
  }
  return true;
}

std::string example_tensor() {
  onnx::TensorProto tensor;
  tensor.set_name("t");
  tensor.set_data_type(onnx::TensorProto::FLOAT);
  tensor.add_dims(2);
  tensor.add_dims(2);
  tensor.set_raw_data(std::string(16, '\1'));
  return tensor.SerializeAsString();
}

bool accepts_tensor(std::string_view bytes) {
  const MemoryFile memory(bytes);
  return files::read_onnx_tensor(memory.path()).has_value();
}

const Registered kOnnx{{"onnx_message", Cuts::kMayBeValid, example, accepts}};
const Registered kTensor{{"onnx_tensor", Cuts::kMayBeValid, example_tensor, accepts_tensor}};

}  // namespace
}  // namespace tenwatt::fuzz
