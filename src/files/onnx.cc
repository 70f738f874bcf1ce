// Parsing of ONNX messages from mapped files.
#include "files/onnx.h"

#include <climits>

#include "base/memory.h"
#include "files/foreign.h"
#include "onnx_proto/onnx.pb.h"

namespace tenwatt::files {
namespace {

template <class Message>
Status parse_message(std::span<const std::byte> bytes, Message& message) {
  if (bytes.size() > INT_MAX) {
    return fail(ErrorCode::kOutOfRange, "a message of 2 GiB or more");
  }
  // An empty file parses as a message without any field.
  if (bytes.empty() || !message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return not_this_format(ErrorCode::kCorrupt, "a valid ONNX file", bytes,
                           "the file may be cut short: download it again");
  }
  return {};
}

std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash + 1);
}

}  // namespace

OnnxModel::OnnxModel(onnx::ModelProto proto, std::string folder)
    : proto_(std::make_unique<onnx::ModelProto>(std::move(proto))), folder_(std::move(folder)) {}
OnnxModel::OnnxModel(OnnxModel&&) noexcept = default;
OnnxModel& OnnxModel::operator=(OnnxModel&&) noexcept = default;
OnnxModel::~OnnxModel() = default;

Result<OnnxModel> OnnxModel::parse(std::span<const std::byte> bytes, std::string folder) {
  OnnxModel model(onnx::ModelProto(), std::move(folder));
  TENWATT_TRY(parse_message(bytes, *model.proto_));
  if (!model.proto_->has_graph()) {
    return fail(ErrorCode::kCorrupt, "this is not an ONNX model: it has no graph");
  }
  return model;
}

Result<OnnxModel> read_onnx(const std::string& path) {
  const auto mapping = TENWATT_TRY(MappedFile::open(path));
  Result<OnnxModel> model = OnnxModel::parse(mapping->bytes(), folder_of(path));
  if (!model) return fail_in(path, std::move(model).error());
  return model;
}

Result<Tensor> read_onnx_tensor(const std::string& path) {
  const auto mapping = TENWATT_TRY(MappedFile::open(path));
  onnx::TensorProto proto;
  Status parsed = parse_message(mapping->bytes(), proto);
  if (!parsed) return fail_in(path, std::move(parsed).error());
  Result<Tensor> tensor = take_onnx_tensor(proto, folder_of(path));
  if (!tensor) return fail_in(path, std::move(tensor).error());
  return tensor;
}

}  // namespace tenwatt::files
