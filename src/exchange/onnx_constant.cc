#include "exchange/onnx_constant.h"

#include <algorithm>

#include "files/onnx.h"
#include "onnx_proto/onnx.pb.h"

namespace tenwatt::exchange {
namespace {

template <class T, class Field>
Result<Tensor> row(const Field& field) {
  Tensor tensor = TENWATT_TRY(Tensor::create(format_of<T>(), {field.size()}));
  std::ranges::copy(field, tensor.mutable_values<T>().begin());
  return tensor;
}

}  // namespace

Result<Tensor> take_constant(onnx::NodeProto& node, const std::string& folder) {
  if (node.output_size() != 1 || node.output(0).empty() || node.attribute_size() != 1) {
    return fail(ErrorCode::kCorrupt, "a Constant needs one output and one attribute");
  }
  onnx::AttributeProto& attribute = *node.mutable_attribute(0);
  const std::string& key = attribute.name();
  if (key == "value") return files::take_onnx_tensor(*attribute.mutable_t(), folder);
  if (key == "value_float") return Tensor::scalar<float>(attribute.f());
  if (key == "value_int") return Tensor::scalar<int64_t>(attribute.i());
  if (key == "value_floats") return row<float>(attribute.floats());
  if (key == "value_ints") return row<int64_t>(attribute.ints());
  return fail(ErrorCode::kUnsupported, "a constant written as " + key);
}

}  // namespace tenwatt::exchange
