// Models of the hub on this machine: below the models folder, hf/OWNER/NAME/REVISION/ holds a
// repository's files under their own names, and .model.json there says which ones were asked for
// and what they must be. Nothing here uses the network.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "store/hub_listing.h"
#include "store/hub_name.h"

namespace tenwatt::store {

/// What has been asked for of one repository at one revision.
struct HubModel {
  HubName repository;  ///< without a file
  std::string commit;  ///< of the last pull
  std::vector<HubFile> files;
  uint64_t bytes() const;
};

/// A folder with models of the hub. Immutable; safe for concurrent use (changes are made under a
/// ShelfLock).
class HubShelf {
 public:
  explicit HubShelf(std::string models_folder) : folder_(std::move(models_folder)) {}

  std::string path_of(const HubName& repository, const std::string& file) const;
  /// Whether the file is there with the right size.
  bool has(const HubName& repository, const HubFile& file) const;
  bool installed(const HubModel& model) const;

  /// kModelMissing, with the command that fetches it, if nothing of it was ever asked for.
  Result<HubModel> find(const HubName& name) const;
  std::vector<HubModel> all() const;
  Status note(const HubModel& model) const;

  /// The files that a name means: all pieces of the file it names, or all of the repository, the
  /// one to open first in front. kModelMissing if one of them is not here.
  Result<std::vector<std::string>> resolve(const HubName& name) const;

  /// Deletes one file (if the name has one) or everything of the revision, parts included.
  /// kNotFound if there is nothing.
  Status remove(const HubName& name) const;

 private:
  std::string folder_;
};

/// The digest of a file in the notation of `like`: "sha256:..." or "git:...".
Result<std::string> digest_of_file(const std::string& path, const std::string& like);

}  // namespace tenwatt::store
