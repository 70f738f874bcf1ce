// The tensor types that GGUF files may name: how large their blocks are and which of our formats
// they are, if we have one.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "numbers/format.h"

namespace tenwatt::files {

struct GgmlType {
  int32_t id;
  std::string_view name;
  uint32_t block;  ///< elements per block
  uint32_t bytes;  ///< bytes per block
  std::optional<Format> format;
};

/// Null for ids that were never given or were removed.
const GgmlType* ggml_type(int32_t id);

}  // namespace tenwatt::files
