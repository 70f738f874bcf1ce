// A tensor as ggml's containers list it (GGUF and whisper.cpp's .bin): the row of the table, what
// it must measure, and its bytes as one of our tensors.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "base/result.h"
#include "files/ggml_types.h"
#include "numbers/tensor.h"

namespace tenwatt::files {

/// One row of a file's tensor table; the views point into the file.
struct GgmlTensor {
  std::string_view name;
  std::string_view type;         ///< ggml's name: "Q4_1"
  std::optional<Format> format;  ///< none: a type that numbers/ doesn't have
  Shape shape;                   ///< outermost first, the reverse of the file's order
  std::span<const std::byte> bytes;
};

/// The type of a row by its number; kUnsupported for numbers that are not given.
Result<const GgmlType*> find_ggml_type(int32_t id);

/// What a tensor of this type and shape takes; kCorrupt where rows don't fill whole blocks, for
/// negative extents, and beyond 64 bits.
Result<uint64_t> ggml_bytes(const GgmlType& type, std::span<const int64_t> shape);

/// The row's number format; kUnsupported naming tensor and type where numbers/ doesn't have it.
Result<Format> format_of(const GgmlTensor& row);

/// The tensor in place (or copied, where its address suits no such element). Errors as
/// format_of. Scales inside of blocks are not looked at: one
/// that is no number makes the outputs it feeds no number, and nothing else.
Result<Tensor> to_tensor(const GgmlTensor& row, std::shared_ptr<const void> owner);

}  // namespace tenwatt::files
