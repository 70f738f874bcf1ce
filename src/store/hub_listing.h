// What a repository of the hub holds, from the hub's own JSON, and which of its files make up a
// model. Trusts nothing in the JSON: names that could leave our folder are refused.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/hub_name.h"

namespace tenwatt::store {

struct HubFile {
  std::string path;  ///< inside the repository
  uint64_t bytes = 0;
  std::string digest;  ///< "sha256:..." of a large file, "git:..." (a blob's SHA-1) of a small one
  bool operator==(const HubFile&) const = default;
};

struct HubListing {
  std::string commit;
  std::vector<HubFile> files;  ///< without hidden ones
};

/// Reads the answer to GET /api/models/ID/revision/REVISION?blobs=true. kCorrupt if it is not
/// that, or if a file's name climbs out of its folder.
Result<HubListing> parse_hub_listing(std::string_view json);

/// The files to fetch for a name, the one to open first. With `name.file`: that file (or the one
/// GGUF file whose name contains it) and what belongs to it: the other pieces of a split file,
/// external data, a voice's configuration. Without: the only GGUF model, or a CTranslate2 model, or
/// the weights, configuration and tokenizer of a safetensors model, or the only ONNX file.
/// kNotFound names the choices, with sizes.
Result<std::vector<HubFile>> choose_hub_files(const HubListing& listing, const HubName& name);

}  // namespace tenwatt::store
