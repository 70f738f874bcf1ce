// A model that no catalogue names, looked at without loading it: what kind of thing a file or a
// folder is, what it says of itself, and which files belong to it.
#pragma once

#include <optional>
#include <string>

#include "store/shelf.h"
#include "tenwatt/store.h"

namespace tenwatt {

/// By its name, its neighbours and, for a hub's folder, its config.json. Nothing for what is opened
/// as a network.
std::optional<store::ModelKind> kind_of_path(const std::string& path);

/// Errors as opening the model: a file that is none is no model to describe.
Result<ModelInfo> describe_path(const store::ResolvedModel& resolved);

}  // namespace tenwatt
