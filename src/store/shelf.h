// The models on this machine: where the files of a catalogue entry lie, whether they are there, and
// what a name or a path given by a user means. Nothing here downloads (store/pull.h does) or hashes
// a whole model.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/catalogue.h"

namespace tenwatt::store {

/// What a user's name or path stands for.
struct ResolvedModel {
  std::string name;                ///< the catalogue's, or the last part of the path
  std::optional<ModelKind> kind;   ///< known only for catalogue models
  std::string main;                ///< the file to open first
  std::vector<std::string> files;  ///< all files of a catalogue model, else just `main`
};

/// A folder of models and the catalogue it is filled from. Immutable; safe for concurrent use.
class Shelf {
 public:
  /// The user's own shelf: data_folder()/models and the built-in catalogue.
  Shelf();
  Shelf(std::string folder, const Catalogue& catalogue);

  const std::string& folder() const { return folder_; }
  const Catalogue& catalogue() const { return *catalogue_; }
  std::string path_of(const CatalogueFile& file) const { return folder_ + "/" + file.path; }

  /// Whether the file is there with the right size.
  bool has(const CatalogueFile& file) const;
  bool installed(const CatalogueEntry& entry) const;
  std::vector<const CatalogueFile*> missing_files(const CatalogueEntry& entry) const;

  /// A catalogue name, a name of the hub ("hf:...") or a path. Names win over files of the working
  /// folder; a path with a slash is always a path. For a folder that holds model.bin, `main` is
  /// that file. kModelMissing, with the command that fetches it, if a catalogue model is not
  /// installed or the name is unknown.
  Result<ResolvedModel> resolve(const std::string& name_or_path) const;

  /// Deletes the files of an entry and what a broken-off pull has left of them. kNotFound if there
  /// is nothing to delete.
  Status remove(const CatalogueEntry& entry) const;

 private:
  std::string folder_;
  const Catalogue* catalogue_;
};

}  // namespace tenwatt::store
