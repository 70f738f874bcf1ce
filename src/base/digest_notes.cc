// The notes of remembered digests: a text file in the cache folder, one line per file: device,
// inode, size, modification time in nanoseconds, digest. It is a cache: lines that can't be read
// are dropped, and failing to write it is not an error for whoever only wants a digest.
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <sstream>
#include <vector>

#include "base/digest.h"
#include "base/paths.h"

namespace tenwatt {
namespace {

constexpr size_t kMaximumNotes = 4096;

struct Note {
  uint64_t device = 0;
  uint64_t inode = 0;
  uint64_t size = 0;
  int64_t modified_ns = 0;
  std::string digest;

  bool same_file(const Note& other) const {
    return device == other.device && inode == other.inode && size == other.size &&
           modified_ns == other.modified_ns;
  }
};

std::mutex notes_mutex;

std::string notes_path() { return cache_folder() + "/digests"; }

Result<Note> identify(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) {
    return fail(errno == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo,
                "can't look at " + path + ": " + std::strerror(errno));
  }
  Note note;
  note.device = status.st_dev;
  note.inode = status.st_ino;
  note.size = static_cast<uint64_t>(status.st_size);
  note.modified_ns = int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
  return note;
}

std::vector<Note> read_notes() {
  std::vector<Note> notes;
  const Result<std::string> text = read_file(notes_path(), size_t{4} << 20);
  if (!text) return notes;
  std::istringstream lines(*text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    Note note;
    fields >> note.device >> note.inode >> note.size >> note.modified_ns >> note.digest;
    if (fields && note.digest.size() == 64) notes.push_back(std::move(note));
  }
  return notes;
}

Status add_note(Note note) {
  std::vector<Note> notes = read_notes();
  std::erase_if(
      notes, [&](const Note& old) { return old.device == note.device && old.inode == note.inode; });
  if (notes.size() >= kMaximumNotes) {
    notes.erase(notes.begin(), notes.begin() + static_cast<long>(notes.size() - kMaximumNotes + 1));
  }
  notes.push_back(std::move(note));
  std::ostringstream text;
  for (const Note& each : notes) {
    text << each.device << ' ' << each.inode << ' ' << each.size << ' ' << each.modified_ns << ' '
         << each.digest << '\n';
  }
  TENWATT_TRY(make_folder(cache_folder()));
  return write_file_atomically(notes_path(), text.str());
}

}  // namespace

Result<std::string> remembered_sha256(const std::string& path) {
  Note note = TENWATT_TRY(identify(path));
  const std::lock_guard lock(notes_mutex);
  for (const Note& known : read_notes()) {
    if (known.same_file(note)) return known.digest;
  }
  note.digest = TENWATT_TRY(sha256_of_file(path));
  // A file that changed while it was read must not be remembered under its new time.
  const Note after = TENWATT_TRY(identify(path));
  if (after.same_file(note)) (void)add_note(note);
  return note.digest;
}

Status remember_sha256(const std::string& path, const std::string& digest) {
  Note note = TENWATT_TRY(identify(path));
  note.digest = digest;
  const std::lock_guard lock(notes_mutex);
  return add_note(std::move(note));
}

}  // namespace tenwatt
