// NumPy's .npy: one array per file. Used for tensors that come from and go to other programs.
#pragma once

#include <string>

#include "base/result.h"
#include "numbers/tensor.h"

namespace tenwatt::files {

/// Reads a little-endian C-ordered array of bool, integers or floats (f16, f32, f64); kUnsupported
/// for other element types, Fortran order and big-endian data.
Result<Tensor> read_npy(const std::string& path);

/// Writes format version 1.0, replacing the file. bf16 and block formats, which NumPy doesn't
/// have, are written as f32.
Status write_npy(const std::string& path, const Tensor& tensor);

}  // namespace tenwatt::files
