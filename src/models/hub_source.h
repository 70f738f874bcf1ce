// A model as hubs publish it (config.json, safetensors, tokenizer.json) as the source of a language
// model. Families ask under GGUF's keys and names; hubs have their own for the same things, and in
// places other numbers:
//   - the llama family rotates pairs of neighbours in GGUF and halves of a head on hubs, so the
//   rows
//     of its query and key projections are put in GGUF's order here;
//   - gemma's norms multiply by 1 + w, and GGUF stores the sum.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "models/model_source.h"

namespace tenwatt::models {

/// Whether `path` is a hub's model: its folder, its model.safetensors or the index of several.
bool is_hub_model(const std::string& path);

/// The file of tensors in a hub's folder: the index where there is one. kNotFound, with what was
/// looked for.
Result<std::string> hub_tensor_file(const std::string& path);

/// kUnsupported names a family, a rotary scaling or a number format that is not built.
Result<std::unique_ptr<ModelSource>> open_hub_source(const std::string& path);

}  // namespace tenwatt::models
