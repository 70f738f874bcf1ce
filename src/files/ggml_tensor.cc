#include "files/ggml_tensor.h"

#include <string>

#include "files/tensor_bytes.h"

namespace tenwatt::files {

Result<const GgmlType*> find_ggml_type(int32_t id) {
  if (const GgmlType* type = ggml_type(id)) return type;
  return fail(ErrorCode::kUnsupported, "the unknown number format " + std::to_string(id));
}

Result<uint64_t> ggml_bytes(const GgmlType& type, std::span<const int64_t> shape) {
  const int64_t count = TENWATT_TRY(checked_elements(shape));
  const int64_t row = shape.empty() ? 1 : shape.back();
  if (row % type.block != 0) {
    return fail(ErrorCode::kCorrupt, "rows of " + std::to_string(row) +
                                         " elements don't fill whole blocks of " +
                                         std::string(type.name));
  }
  uint64_t bytes = 0;
  if (__builtin_mul_overflow(static_cast<uint64_t>(count) / type.block, type.bytes, &bytes)) {
    return fail(ErrorCode::kCorrupt, "more bytes than any file has");
  }
  return bytes;
}

Result<Format> format_of(const GgmlTensor& row) {
  if (row.format) return *row.format;
  return fail(ErrorCode::kUnsupported,
              "tensor " + std::string(row.name) + " is stored as " + std::string(row.type),
              "choose a file in F32, F16, BF16, Q8_0, Q2_K to Q6_K, Q4_0 to Q5_1, IQ4 or MXFP4");
}

Result<Tensor> to_tensor(const GgmlTensor& row, std::shared_ptr<const void> owner) {
  return tensor_from_bytes(TENWATT_TRY(format_of(row)), row.shape, row.bytes, std::move(owner));
}

}  // namespace tenwatt::files
