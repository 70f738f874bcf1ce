// A GGUF file as the source of a language model: its keys and names are the ones that families ask
// for, so this only converts types and reads the tokeniser's keys.
#pragma once

#include <memory>
#include <string>

#include "models/model_source.h"

namespace tenwatt::models {

/// Errors of the file's bytes name the path; kNotFound, kCorrupt, kUnsupported.
Result<std::unique_ptr<ModelSource>> open_gguf_source(const std::string& path);

}  // namespace tenwatt::models
