// From the bytes of a file to a Tensor: wrapped where they lie if they are aligned for their
// elements, otherwise copied once.
#pragma once

#include <memory>
#include <span>

#include "numbers/tensor.h"

namespace tenwatt::files {

/// A tensor over `bytes` (exactly its size), kept alive by `owner`. Copied if the address isn't a
/// multiple of the element size, or if bool bytes other than 0 and 1 have to be repaired.
Result<Tensor> tensor_from_bytes(Format format, Shape shape, std::span<const std::byte> bytes,
                                 std::shared_ptr<const void> owner);

}  // namespace tenwatt::files
