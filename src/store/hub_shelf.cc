// .model.json is ours, but it may have been damaged: it is read with the same care as the hub's.
#include "store/hub_shelf.h"

#include <openssl/evp.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/digest.h"
#include "base/paths.h"
#include "store/shelf_lock.h"

namespace tenwatt::store {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kNote = "/.model.json";
constexpr size_t kMaxNote = size_t{16} << 20;

std::string text_at(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

Result<HubModel> parse_note(const std::string& text, const std::string& path) {
  const json root = json::parse(text, nullptr, /*allow_exceptions=*/false);
  const std::unexpected<Error> damaged =
      fail(ErrorCode::kCorrupt, path + " is damaged", "delete it and pull the model again");
  if (!root.is_object() || !root.contains("files") || !root["files"].is_array()) return damaged;
  HubModel model;
  const auto name = parse_hub_name(text_at(root, "model"));
  if (!name) return damaged;
  model.repository = *name;
  model.commit = text_at(root, "commit");
  for (const json& each : root["files"]) {
    if (!each.is_object() || !each.contains("bytes") || !each["bytes"].is_number_unsigned()) {
      return damaged;
    }
    HubFile file{text_at(each, "path"), each["bytes"].get<uint64_t>(), text_at(each, "digest")};
    if (!is_safe_path(file.path)) return damaged;
    model.files.push_back(std::move(file));
  }
  return model;
}

// SHA-1 of "blob SIZE\0" and the bytes: the name git gives to a file.
Result<std::string> git_blob_id(const std::string& path) {
  std::error_code error;
  const uint64_t size = fs::file_size(path, error);
  std::ifstream in(path, std::ios::binary);
  if (error || !in) return fail(ErrorCode::kIo, "can't read " + path);
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        &EVP_MD_CTX_free);
  if (EVP_DigestInit_ex(context.get(), EVP_sha1(), nullptr) != 1) {
    return fail(ErrorCode::kUnsupported, "this system's OpenSSL has no SHA-1");
  }
  const std::string head = "blob " + std::to_string(size) + '\0';
  EVP_DigestUpdate(context.get(), head.data(), head.size());
  std::vector<char> piece(size_t{1} << 20);
  while (in.read(piece.data(), static_cast<std::streamsize>(piece.size())) || in.gcount() > 0) {
    EVP_DigestUpdate(context.get(), piece.data(), static_cast<size_t>(in.gcount()));
  }
  unsigned char raw[EVP_MAX_MD_SIZE];
  unsigned int count = 0;
  EVP_DigestFinal_ex(context.get(), raw, &count);
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (unsigned int i = 0; i < count; ++i) text += {kDigits[raw[i] >> 4], kDigits[raw[i] & 15]};
  return text;
}

std::unexpected<Error> not_here(const HubName& name) {
  return fail(ErrorCode::kModelMissing, "the model " + name.text() + " is not installed",
              "tenwatt pull " + name.text());
}

}  // namespace

uint64_t HubModel::bytes() const {
  uint64_t total = 0;
  for (const HubFile& file : files) total += file.bytes;
  return total;
}

std::string HubShelf::path_of(const HubName& repository, const std::string& file) const {
  return folder_ + "/" + repository.folder() + "/" + file;
}

bool HubShelf::has(const HubName& repository, const HubFile& file) const {
  std::error_code error;
  const uint64_t size = fs::file_size(path_of(repository, file.path), error);
  return !error && size == file.bytes;
}

bool HubShelf::installed(const HubModel& model) const {
  return std::ranges::all_of(model.files,
                             [&](const HubFile& file) { return has(model.repository, file); });
}

Result<HubModel> HubShelf::find(const HubName& name) const {
  const std::string path = folder_ + "/" + name.folder() + kNote;
  const auto text = read_file(path, kMaxNote);
  if (!text && text.error().code == ErrorCode::kNotFound) return not_here(name);
  if (!text) return std::unexpected(text.error());
  return parse_note(*text, path);
}

std::vector<HubModel> HubShelf::all() const {
  std::vector<HubModel> models;
  std::error_code error;
  const auto folders = [&](const fs::path& parent) {
    std::vector<fs::path> found;
    for (const auto& item : fs::directory_iterator(parent, error)) {
      if (item.is_directory(error)) found.push_back(item.path());
    }
    std::ranges::sort(found);
    return found;
  };
  for (const fs::path& owner : folders(folder_ + "/hf")) {
    for (const fs::path& name : folders(owner)) {
      for (const fs::path& revision : folders(name)) {
        const std::string path = revision.string() + kNote;
        const auto text = read_file(path, kMaxNote);
        if (!text) continue;
        if (auto model = parse_note(*text, path)) models.push_back(std::move(*model));
      }
    }
  }
  return models;
}

Status HubShelf::note(const HubModel& model) const {
  json root = {{"model", model.repository.repository_text()}, {"commit", model.commit}};
  root["files"] = json::array();
  for (const HubFile& file : model.files) {
    root["files"].push_back({{"path", file.path}, {"bytes", file.bytes}, {"digest", file.digest}});
  }
  const std::string folder = folder_ + "/" + model.repository.folder();
  TENWATT_TRY(make_folder(folder));
  return write_file_atomically(folder + kNote,
                               root.dump(1, ' ', false, json::error_handler_t::replace) + "\n");
}

Result<std::vector<std::string>> HubShelf::resolve(const HubName& name) const {
  const auto model = find(name);
  if (!model) return not_here(name);
  const auto chosen = choose_hub_files({model->commit, model->files}, name);
  if (!chosen && name.file.empty()) return std::unexpected(chosen.error());
  if (!chosen) return not_here(name);
  std::vector<std::string> paths;
  for (const HubFile& file : *chosen) {
    if (!has(name, file)) return not_here(name);
    paths.push_back(path_of(name, file.path));
  }
  return paths;
}

Status HubShelf::remove(const HubName& name) const {
  const ShelfLock lock = TENWATT_TRY(ShelfLock::take(folder_));
  auto model = find(name);
  if (!model) return fail(ErrorCode::kNotFound, "the model " + name.text() + " is not installed");
  const fs::path folder = folder_ + "/" + name.folder();
  std::error_code error;
  if (!name.file.empty()) {
    const auto chosen = TENWATT_TRY(choose_hub_files({model->commit, model->files}, name));
    for (const HubFile& file : chosen) {
      for (const char* suffix : {"", ".part", ".part.etag"}) {
        fs::remove(path_of(name, file.path) + suffix, error);
      }
      std::erase(model->files, file);
    }
    if (!model->files.empty()) return note(*model);
  }
  fs::remove_all(folder, error);
  if (error) return fail(ErrorCode::kIo, "can't remove " + folder.string());
  fs::remove(folder.parent_path(), error);  // only if empty
  fs::remove(folder.parent_path().parent_path(), error);
  return {};
}

Result<std::string> digest_of_file(const std::string& path, const std::string& like) {
  if (like.starts_with("git:")) return "git:" + TENWATT_TRY(git_blob_id(path));
  return "sha256:" + TENWATT_TRY(remembered_sha256(path));
}

}  // namespace tenwatt::store
