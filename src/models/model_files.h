// All files that a model's numbers come from: what has to be unchanged for something derived from
// them, such as packed weights, to be theirs.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace tenwatt::models {

/// `path` first, then the other parts of a split GGUF model, the files of a hub's index and its
/// config.json, or the external data of an ONNX model. Files that are not there are left out: who
/// reads the model will name them.
Result<std::vector<std::string>> model_files(const std::string& path);

}  // namespace tenwatt::models
