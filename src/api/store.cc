// The public view of store/.
#include "tenwatt/store.h"

#include <algorithm>

#include "api/model_file.h"
#include "store/hub_shelf.h"
#include "store/pull.h"
#include "store/shelf.h"

namespace tenwatt {
namespace {

std::string source_text(const store::FileSource& source) {
  std::string text;
  for (const store::PackagePart& part : source) {
    if (!text.empty()) text += " + ";
    text += "pypi:" + part.package + "==" + part.version;
  }
  return text;
}

ModelInfo describe(const store::Shelf& shelf, const store::CatalogueEntry& entry) {
  ModelInfo info;
  info.name = entry.name;
  info.kind = store::kind_name(entry.kind);
  info.description = entry.description;
  info.licence = entry.licence;
  info.origin = entry.origin;
  info.bytes = entry.bytes();
  info.installed = shelf.installed(entry);
  info.is_default = std::ranges::find(store::default_models(), entry.name) !=
                    std::ranges::end(store::default_models());
  for (const store::CatalogueFile& file : entry.files) {
    ModelFileInfo listed{shelf.path_of(file), file.bytes, file.sha256, shelf.has(file), {}};
    for (const store::FileSource& source : file.sources) {
      listed.sources.push_back(source_text(source));
    }
    info.files.push_back(std::move(listed));
  }
  return info;
}

// A model of the hub that was pulled, wholly or in part. Its kind shows only when it is opened.
ModelInfo describe_hub(const store::HubShelf& shelf, const store::HubModel& model) {
  ModelInfo info;
  info.name = model.repository.repository_text();
  info.kind = "hub";
  info.origin = info.name + " at " + model.commit;
  info.bytes = model.bytes();
  info.installed = shelf.installed(model);
  constexpr std::string_view kSha256 = "sha256:";
  for (const store::HubFile& file : model.files) {
    const std::string digest =
        file.digest.starts_with(kSha256) ? file.digest.substr(kSha256.size()) : std::string();
    info.files.push_back({shelf.path_of(model.repository, file.path),
                          file.bytes,
                          digest,
                          shelf.has(model.repository, file),
                          {info.name + ":" + file.path}});
    info.description += (info.description.empty() ? "" : " ") + file.path;
  }
  return info;
}

}  // namespace

std::string models_folder() { return store::Shelf().folder(); }

std::vector<ModelInfo> list_models() {
  const store::Shelf shelf;
  std::vector<ModelInfo> models;
  for (const store::CatalogueEntry& entry : shelf.catalogue()) {
    models.push_back(describe(shelf, entry));
  }
  const store::HubShelf hub(shelf.folder());
  for (const store::HubModel& model : hub.all()) models.push_back(describe_hub(hub, model));
  return models;
}

Result<ModelInfo> show_model(const std::string& name_or_path) {
  const store::Shelf shelf;
  if (store::is_hub_name(name_or_path)) {
    const store::HubShelf hub(shelf.folder());
    return describe_hub(hub,
                        TENWATT_TRY(hub.find(TENWATT_TRY(store::parse_hub_name(name_or_path)))));
  }
  const auto entry = store::find_entry(shelf.catalogue(), name_or_path);
  if (entry) return describe(shelf, **entry);
  return describe_path(TENWATT_TRY(shelf.resolve(name_or_path)));
}

std::vector<std::string> default_model_names() {
  const auto names = store::default_models();
  return {names.begin(), names.end()};
}

Status pull_models(const std::vector<std::string>& names, const PullSettings& settings) {
  store::PullOptions options;
  options.network = settings.offline ? store::Network::kOffline : store::Network::kAllowed;
  options.cancel = settings.cancel;
  if (settings.on_progress) {
    options.on_progress = [&](const store::PullProgress& progress) {
      settings.on_progress(
          {progress.done_bytes, progress.total_bytes, progress.doing, progress.completed});
    };
  }
  return store::pull(store::Shelf(), names, options);
}

Status remove_model(const std::string& name) {
  const store::Shelf shelf;
  if (store::is_hub_name(name)) {
    return store::HubShelf(shelf.folder()).remove(TENWATT_TRY(store::parse_hub_name(name)));
  }
  return shelf.remove(*TENWATT_TRY(store::find_entry(shelf.catalogue(), name)));
}

}  // namespace tenwatt
