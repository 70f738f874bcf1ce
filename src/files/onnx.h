// ONNX files: protobuf messages as they are, and their tensors as ours. What a model means is
// exchange/onnx_import.h's business.
//
// The messages (`onnx::ModelProto` and so on) come from "onnx_proto/onnx.pb.h", which only the
// files that walk them include.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "base/result.h"
#include "numbers/tensor.h"

namespace onnx {
class ModelProto;
class TensorProto;
}  // namespace onnx

namespace tenwatt::files {

/// A parsed model and the folder that its external data may lie in (empty: nowhere).
class OnnxModel {
 public:
  explicit OnnxModel(onnx::ModelProto proto, std::string folder = {});
  OnnxModel(OnnxModel&&) noexcept;
  OnnxModel& operator=(OnnxModel&&) noexcept;
  ~OnnxModel();

  /// Parses a serialised ModelProto: kCorrupt, or kOutOfRange from 2 GiB up.
  static Result<OnnxModel> parse(std::span<const std::byte> bytes, std::string folder = {});

  onnx::ModelProto& proto() { return *proto_; }
  const onnx::ModelProto& proto() const { return *proto_; }
  const std::string& folder() const { return folder_; }

 private:
  std::unique_ptr<onnx::ModelProto> proto_;
  std::string folder_;
};

/// Reads a model file; errors name the path.
Result<OnnxModel> read_onnx(const std::string& path);

/// A tensor of a model. Raw data is moved out of `proto`, so it isn't held twice. External data is
/// read only from a plain file inside `folder`: no absolute path, no "..", no links.
Result<Tensor> take_onnx_tensor(onnx::TensorProto& proto, const std::string& folder = {});

/// A file that holds one serialised TensorProto (the .pb files of ONNX's node cases).
Result<Tensor> read_onnx_tensor(const std::string& path);

}  // namespace tenwatt::files
