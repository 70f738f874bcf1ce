// The models that can be had by name: what files they are, what those files must hash to, and from
// which packages they can be put together. Not the state of this machine (store/shelf.h is).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tenwatt::store {

enum class ModelKind { kLanguage, kRecognizer, kVoice, kVoiceActivity };
std::string_view kind_name(ModelKind kind);

/// One member of one wheel on the package index.
struct PackagePart {
  std::string package;
  std::string version;
  std::string member;  ///< path inside the wheel
  bool operator==(const PackagePart&) const = default;
};

/// One way to obtain a file: its parts, to be put one after the other.
using FileSource = std::vector<PackagePart>;

struct CatalogueFile {
  std::string path;  ///< below the models folder
  uint64_t bytes = 0;
  std::string sha256;
  std::vector<FileSource> sources;  ///< tried in order; all give the same bytes
};

struct CatalogueEntry {
  std::string name;
  ModelKind kind = ModelKind::kLanguage;
  std::string description;
  std::string licence;
  std::string origin;                ///< where the model was published
  std::vector<CatalogueFile> files;  ///< the first one is what a path to the model means
  uint64_t bytes() const;
};

using Catalogue = std::vector<CatalogueEntry>;

/// The built-in catalogue.
const Catalogue& built_in_catalogue();
/// kModelMissing with the nearest name if there is no such entry.
Result<const CatalogueEntry*> find_entry(const Catalogue& catalogue, std::string_view name);
/// What `ask` and `chat` think with on a machine with this much memory.
std::string_view default_language_model(uint64_t memory_bytes);
/// What the assistant uses on this machine when nothing else is named, the language model first.
std::span<const std::string_view> default_models();

}  // namespace tenwatt::store
