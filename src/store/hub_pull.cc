// The note of what is wanted is written before the first byte, so that a pull that was broken off
// shows as a model that is not complete.
#include "store/hub_pull.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "base/digest.h"
#include "base/log.h"
#include "base/paths.h"
#include "store/http_exchange.h"
#include "store/hub_listing.h"
#include "store/hub_shelf.h"

namespace tenwatt::store {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPublicHub = "https://huggingface.co";
constexpr size_t kMaxListing = size_t{32} << 20;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string trimmed(const std::string& text) {
  const auto begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

std::string token_file() {
  if (const std::string path = variable("HF_TOKEN_PATH"); !path.empty()) return path;
  if (const std::string home = variable("HF_HOME"); !home.empty()) return home + "/token";
  return variable("HOME") + "/.cache/huggingface/token";
}

class HubPull {
 public:
  HubPull(const std::string& folder, const HubName& name, const HubAccess& access,
          const PullOptions& options)
      : folder_(folder), shelf_(folder), name_(name), access_(access), options_(options) {}

  Status run() {
    if (options_.network == Network::kOffline) return check_present();
    const HttpClient client(http());
    const std::string answer = TENWATT_TRY(in_name(client.get(listing_url(), kMaxListing)));
    const HubListing listing = TENWATT_TRY(in_name(parse_hub_listing(answer)));
    const std::vector<HubFile> chosen = TENWATT_TRY(choose_hub_files(listing, name_));
    TENWATT_TRY(note_wanted(listing, chosen));
    std::vector<HubFile> missing;
    for (const HubFile& file : chosen) {
      if (!TENWATT_TRY(is_sound(file))) missing.push_back(file);
    }
    TENWATT_TRY(check_room(missing));
    for (const HubFile& file : missing) progress_.total_bytes += file.bytes;
    for (const HubFile& file : missing) {
      TENWATT_TRY(fetch(client, listing.commit, file));
      done_bytes_ += file.bytes;
    }
    return {};
  }

 private:
  HttpSettings http() const {
    HttpSettings settings = access_.http;
    settings.cancel = options_.cancel;
    return settings;
  }

  template <class T>
  Result<T> in_name(Result<T> result) const {
    if (!result) return fail_in(name_.text(), result.error());
    return result;
  }

  std::string listing_url() const {
    return access_.endpoint + "/api/models/" + name_.id() + "/revision/" + encoded(name_.revision) +
           "?blobs=true";
  }

  // A slash inside a revision is part of its name, not of the address.
  static std::string encoded(const std::string& revision) {
    std::string text;
    for (const char c : revision) text += c == '/' ? "%2F" : std::string(1, c);
    return text;
  }

  Status check_present() const {
    const auto paths = shelf_.resolve(name_);
    if (paths) return {};
    if (paths.error().code != ErrorCode::kModelMissing) return std::unexpected(paths.error());
    return fail(ErrorCode::kModelMissing,
                "--offline was given, and " + name_.text() + " is not here",
                "with a network: tenwatt pull " + name_.text());
  }

  // Adds the chosen files to what has been asked for of this repository before.
  Status note_wanted(const HubListing& listing, const std::vector<HubFile>& chosen) const {
    HubModel model;
    if (auto known = shelf_.find(name_)) model = std::move(*known);
    model.repository = name_;
    model.repository.file.clear();
    model.commit = listing.commit;
    for (const HubFile& file : chosen) {
      std::erase_if(model.files, [&](const HubFile& old) { return old.path == file.path; });
      model.files.push_back(file);
    }
    return shelf_.note(model);
  }

  Result<bool> is_sound(const HubFile& file) const {
    if (!shelf_.has(name_, file)) return false;
    const std::string path = shelf_.path_of(name_, file.path);
    return TENWATT_TRY(digest_of_file(path, file.digest)) == file.digest;
  }

  Status check_room(const std::vector<HubFile>& missing) const {
    uint64_t needed = 0;
    for (const HubFile& file : missing) {
      std::error_code error;
      const uint64_t here = fs::file_size(shelf_.path_of(name_, file.path) + ".part", error);
      needed += file.bytes - (error ? 0 : std::min(here, file.bytes));
    }
    return check_free_space(folder_, needed);
  }

  // A file whose digest is wrong is fetched a second time from its first byte: a part that was
  // resumed may be to blame.
  Status fetch(const HttpClient& client, const std::string& commit, const HubFile& file) {
    const std::string path = shelf_.path_of(name_, file.path);
    const std::string part = path + ".part";
    TENWATT_TRY(make_folder(fs::path(path).parent_path().string()));
    progress_.doing = name_.id() + " " + file.path;
    std::string digest;
    for (int attempt = 0; attempt < 2; ++attempt) {
      HttpFile wanted{
          access_.endpoint + "/" + name_.id() + "/resolve/" + commit + "/" + encode_path(file.path),
          part,
          file.bytes,
          {}};
      wanted.on_bytes = [&](uint64_t bytes) { report(done_bytes_ + bytes); };
      TENWATT_TRY(in_file(file, client.download(wanted)));
      digest = TENWATT_TRY(digest_of_file(part, file.digest));
      if (digest == file.digest) return accept(file, part, path);
      discard_part(part);
      if (attempt == 0) log_warning(file.path + " arrived damaged and is fetched again");
    }
    return fail(ErrorCode::kCorrupt,
                fmt::format("{} has the digest {} instead of {}", file.path, digest, file.digest),
                "pull again later; if that fails too, the server does not send what it states");
  }

  Status accept(const HubFile& file, const std::string& part, const std::string& path) {
    if (std::rename(part.c_str(), path.c_str()) != 0) {
      return fail(ErrorCode::kIo, "can't rename " + part + ": " + std::strerror(errno));
    }
    discard_part(part);
    if (file.digest.starts_with("sha256:")) {
      (void)remember_sha256(path, file.digest.substr(std::strlen("sha256:")));
    }
    progress_.completed = path;
    report(done_bytes_ + file.bytes);
    progress_.completed.clear();
    return {};
  }

  Status in_file(const HubFile& file, Status status) const {
    if (!status) return fail_in(name_.id() + " " + file.path, status.error());
    return status;
  }

  void report(uint64_t done) {
    progress_.done_bytes = std::min(done, progress_.total_bytes);
    if (options_.on_progress) options_.on_progress(progress_);
  }

  const std::string& folder_;
  HubShelf shelf_;
  const HubName& name_;
  const HubAccess& access_;
  const PullOptions& options_;
  PullProgress progress_;
  uint64_t done_bytes_ = 0;
};

}  // namespace

HubAccess hub_access_from_environment() {
  HubAccess access;
  access.endpoint = variable("HF_ENDPOINT");
  if (access.endpoint.empty()) access.endpoint = kPublicHub;
  while (access.endpoint.ends_with('/')) access.endpoint.pop_back();
  access.http.token = trimmed(variable("HF_TOKEN"));
  if (access.http.token.empty()) {
    access.http.token = trimmed(read_file(token_file(), 4096).value_or(""));
  }
  access.http.token_url = access.endpoint;
  const std::string stall = variable("HF_HUB_DOWNLOAD_TIMEOUT");
  int seconds = 0;
  std::from_chars(stall.data(), stall.data() + stall.size(), seconds);
  if (seconds > 0) access.http.stall = std::chrono::seconds(seconds);
  return access;
}

Status pull_from_hub(const std::string& models_folder, const HubName& name, const HubAccess& access,
                     const PullOptions& options) {
  return HubPull(models_folder, name, access, options).run();
}

}  // namespace tenwatt::store
