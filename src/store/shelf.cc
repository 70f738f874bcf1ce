// Looks at files; changes nothing but by `remove`.
#include "store/shelf.h"

#include <algorithm>
#include <filesystem>

#include "base/paths.h"
#include "store/hub_shelf.h"
#include "store/shelf_lock.h"

namespace tenwatt::store {
namespace {

namespace fs = std::filesystem;

/// What makes a folder a model, the first that is there: of CTranslate2, or of a hub.
constexpr std::string_view kFolderFiles[] = {"model.bin", "model.safetensors.index.json",
                                             "model.safetensors"};

std::string folder_file_names() {
  std::string names;
  for (const std::string_view file : kFolderFiles) {
    names += (names.empty() ? "" : ", ") + std::string(file);
  }
  return names;
}

std::optional<std::string> file_in_folder(const std::string& folder) {
  for (const std::string_view file : kFolderFiles) {
    const fs::path path = fs::path(folder) / file;
    std::error_code error;
    if (fs::is_regular_file(path, error)) return path.string();
  }
  return std::nullopt;
}

/// Of "folder/" and "." too.
std::string last_part(const std::string& path) {
  std::error_code error;
  const fs::path whole = fs::absolute(path, error).lexically_normal();
  return (whole.has_filename() ? whole : whole.parent_path()).filename().string();
}

Result<ResolvedModel> resolve_path(const std::string& path) {
  std::error_code error;
  ResolvedModel model;
  model.name = last_part(path);
  model.main = path;
  if (fs::is_directory(path, error)) {
    const auto inside = file_in_folder(path);
    if (!inside) {
      return fail(ErrorCode::kModelMissing, "no model in the folder " + path,
                  "name a file, or a folder that holds one of: " + folder_file_names());
    }
    model.main = *inside;
  } else if (!fs::is_regular_file(path, error)) {
    return fail(ErrorCode::kModelMissing,
                fs::exists(path, error) ? path + " is not a plain file" : "no file " + path,
                "tenwatt list shows models that can be had by name");
  }
  model.files = {model.main};
  return model;
}

// What is opened first is the first file: of a split model its first piece.
Result<ResolvedModel> resolve_hub(const std::string& folder, const std::string& text) {
  const HubName name = TENWATT_TRY(parse_hub_name(text));
  ResolvedModel model;
  model.files = TENWATT_TRY(HubShelf(folder).resolve(name));
  model.name = text;
  model.main = model.files.front();
  return model;
}

}  // namespace

Shelf::Shelf() : Shelf(data_folder() + "/models", built_in_catalogue()) {}

Shelf::Shelf(std::string folder, const Catalogue& catalogue)
    : folder_(std::move(folder)), catalogue_(&catalogue) {}

bool Shelf::has(const CatalogueFile& file) const {
  std::error_code error;
  const auto size = fs::file_size(path_of(file), error);
  return !error && size == file.bytes;
}

bool Shelf::installed(const CatalogueEntry& entry) const { return missing_files(entry).empty(); }

std::vector<const CatalogueFile*> Shelf::missing_files(const CatalogueEntry& entry) const {
  std::vector<const CatalogueFile*> missing;
  for (const CatalogueFile& file : entry.files) {
    if (!has(file)) missing.push_back(&file);
  }
  return missing;
}

Result<ResolvedModel> Shelf::resolve(const std::string& name_or_path) const {
  if (is_hub_name(name_or_path)) return resolve_hub(folder_, name_or_path);
  if (name_or_path.find('/') != std::string::npos) return resolve_path(name_or_path);
  const Result<const CatalogueEntry*> entry = find_entry(*catalogue_, name_or_path);
  if (!entry) {
    std::error_code error;
    if (fs::exists(name_or_path, error)) return resolve_path(name_or_path);
    Error missing = entry.error();
    missing.message += ", and no file or folder here";
    return std::unexpected(std::move(missing));
  }
  if (!installed(**entry)) {
    return fail(ErrorCode::kModelMissing, "the model " + name_or_path + " is not installed",
                "tenwatt pull " + name_or_path);
  }
  ResolvedModel model;
  model.name = (*entry)->name;
  model.kind = (*entry)->kind;
  for (const CatalogueFile& file : (*entry)->files) model.files.push_back(path_of(file));
  model.main = model.files.front();
  return model;
}

Status Shelf::remove(const CatalogueEntry& entry) const {
  const ShelfLock lock = TENWATT_TRY(ShelfLock::take(folder_));
  uintmax_t removed = 0;
  std::error_code error;
  for (const CatalogueFile& file : entry.files) {
    removed += fs::remove(path_of(file), error) ? 1 : 0;
    if (error) {
      return fail(ErrorCode::kIo, "can't remove " + path_of(file) + ": " + error.message());
    }
    removed += remove_parts(folder_, file.sha256);
    const fs::path parent = fs::path(file.path).parent_path();
    // Only an empty folder goes; anything else in it is the user's.
    if (!parent.empty()) fs::remove(fs::path(folder_) / parent, error);
  }
  if (removed == 0) {
    return fail(ErrorCode::kNotFound, "the model " + entry.name + " is not installed",
                "tenwatt list shows what is");
  }
  return {};
}

}  // namespace tenwatt::store
