// How a user names models of the public hub: hf:OWNER/NAME[@REVISION][:FILE]. Only the grammar and
// the places on disk; what the hub holds is asked for in store/hub_listing.h.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace tenwatt::store {

/// A repository of the hub at one revision, and perhaps one file in it.
struct HubName {
  std::string owner;
  std::string name;
  std::string revision = "main";  ///< a branch, a tag or a commit
  std::string file;               ///< empty: whatever makes up the model

  std::string id() const { return owner + "/" + name; }
  /// As the user would write it, with or without the file.
  std::string text() const;
  std::string repository_text() const;
  /// Where its files lie, below the models folder.
  std::string folder() const;
};

/// Whether a model's name is of the hub ("hf:...").
bool is_hub_name(std::string_view text);
/// kInvalidArgument for whatever is not OWNER/NAME[@REVISION][:FILE] of plain characters.
Result<HubName> parse_hub_name(std::string_view text);
/// Whether a file's path, as a hub states it, may become a path below a folder of ours: relative,
/// no "..", no empty or hidden parts, no control characters, none of the names we use ourselves.
bool is_safe_path(std::string_view path);

}  // namespace tenwatt::store
