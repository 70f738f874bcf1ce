#include "engine/run/artifact.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>

#include "base/digest.h"
#include "base/paths.h"

namespace tenwatt::engine {
namespace {

constexpr std::string_view kMagic = "TWARTIF1";
constexpr size_t kAlign = 64;
constexpr size_t kChunk = size_t{32} << 20;
constexpr size_t kFileAlign = 4096;
constexpr size_t kMaxTable = size_t{4} << 20;
constexpr size_t kReadBlock = size_t{4} << 20;

size_t round_up(size_t value, size_t unit) { return (value + unit - 1) / unit * unit; }

class FileHandle {
 public:
  explicit FileHandle(int fd) : fd_(fd) {}
  FileHandle(const FileHandle&) = delete;
  ~FileHandle() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_;
};

bool read_at(int fd, size_t offset, std::span<std::byte> to) {
  while (!to.empty()) {
    const ssize_t got = pread(fd, to.data(), to.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    offset += static_cast<size_t>(got);
    to = to.subspan(static_cast<size_t>(got));
  }
  return true;
}

bool write_all(int fd, std::span<const std::byte> from) {
  while (!from.empty()) {
    const ssize_t put = write(fd, from.data(), from.size());
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    from = from.subspan(static_cast<size_t>(put));
  }
  return true;
}

void append(std::string& out, const void* data, size_t bytes) {
  out.append(static_cast<const char*>(data), bytes);
}
template <class T>
void append_number(std::string& out, T value) {
  append(out, &value, sizeof(value));
}

uint64_t checksum_of(std::string_view text) {
  return checksum64(std::as_bytes(std::span(text.data(), text.size())));
}

struct TableRow {
  std::string name;
  uint64_t offset = 0;
  uint64_t bytes = 0;
  uint64_t checksum = 0;
};

/// Reads numbers and strings out of the table, refusing to pass its end.
class TableReader {
 public:
  explicit TableReader(std::string_view bytes) : rest_(bytes) {}
  template <class T>
  bool number(T& value) {
    if (rest_.size() < sizeof(T)) return false;
    std::memcpy(&value, rest_.data(), sizeof(T));
    rest_.remove_prefix(sizeof(T));
    return true;
  }
  bool text(std::string& value) {
    uint32_t length = 0;
    if (!number(length) || rest_.size() < length) return false;
    value.assign(rest_.substr(0, length));
    rest_.remove_prefix(length);
    return true;
  }

 private:
  std::string_view rest_;
};

std::string make_table(const std::string& key, const std::vector<TableRow>& rows) {
  std::string table(kMagic);
  append_number(table, static_cast<uint32_t>(key.size()));
  table += key;
  append_number(table, static_cast<uint32_t>(rows.size()));
  for (const TableRow& row : rows) {
    append_number(table, static_cast<uint32_t>(row.name.size()));
    table += row.name;
    append_number(table, row.offset);
    append_number(table, row.bytes);
    append_number(table, row.checksum);
  }
  append_number(table, checksum_of(table));
  return table;
}

}  // namespace

std::optional<std::span<const std::byte>> MemoryArtifact::piece(std::string_view name) const {
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) return std::nullopt;
  return pieces_[found->second].bytes;
}

Result<std::span<std::byte>> MemoryArtifact::add(std::string_view name, size_t bytes) {
  if (by_name_.contains(name)) {
    return fail(ErrorCode::kInternal, "artifact piece " + std::string(name) + " is added twice");
  }
  const size_t padded = round_up(bytes, kAlign);
  if (padded > free_) {
    // A piece that is larger than a chunk gets one of its own size.
    chunks_.push_back(TENWATT_TRY(HugeBuffer::allocate(std::max(padded, kChunk))));
    free_ = chunks_.back().size();
  }
  std::span<std::byte> place;
  if (bytes > 0) {
    HugeBuffer& chunk = chunks_.back();
    place = chunk.span().subspan(chunk.size() - free_, bytes);
    free_ -= padded;
  }
  bytes_ += bytes;
  by_name_.emplace(name, pieces_.size());
  pieces_.push_back({std::string(name), place});
  return place;
}

void MemoryArtifact::consumed(const Tensor& source) { drop_mapped(source.bytes()); }

std::string ArtifactStore::path(const std::string& key) const {
  char name[32];
  std::snprintf(name, sizeof(name), "%016llx.pack",
                static_cast<unsigned long long>(checksum_of(key)));
  return folder_ + "/" + name;
}

Result<std::shared_ptr<MemoryArtifact>> ArtifactStore::read(const std::string& key,
                                                            Team& team) const {
  if (folder_.empty() || key.empty()) return fail(ErrorCode::kNotFound, "no artifact is kept");
  const std::string file_name = path(key);
  const FileHandle file(open(file_name.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat info{};
  if (!file || fstat(file.get(), &info) != 0) {
    return fail(ErrorCode::kNotFound, "no artifact " + file_name);
  }
  const auto corrupt = [&](const char* what) {
    return fail(ErrorCode::kCorrupt, "artifact " + file_name + " " + what);
  };
  const auto size = static_cast<size_t>(info.st_size);
  std::string head(std::min(size, kMaxTable), '\0');
  if (!read_at(file.get(), 0, std::as_writable_bytes(std::span(head)))) {
    return corrupt("can't be read");
  }
  if (!head.starts_with(kMagic)) return corrupt("has another format");
  TableReader reader(std::string_view(head).substr(kMagic.size()));
  std::string stored_key;
  uint32_t count = 0;
  if (!reader.text(stored_key) || !reader.number(count) || count > (1u << 16)) {
    return corrupt("has a broken table");
  }
  if (stored_key != key) return fail(ErrorCode::kNotFound, "artifact of another key");
  std::vector<TableRow> rows(count);
  size_t end = 0;  // of the pieces so far: they lie one after the other and never overlap
  for (TableRow& row : rows) {
    if (!reader.text(row.name) || !reader.number(row.offset) || !reader.number(row.bytes) ||
        !reader.number(row.checksum)) {
      return corrupt("has a broken table");
    }
    if (row.offset > size || row.bytes > size - row.offset) return corrupt("is cut short");
    if (row.offset < end) return corrupt("has a broken table");
    end = row.offset + row.bytes;
  }
  uint64_t stored_checksum = 0;
  const std::string table = make_table(key, rows);
  if (!reader.number(stored_checksum) || head.substr(0, table.size()) != table) {
    return corrupt("has a table that fails its checksum");
  }
  auto artifact = std::make_shared<MemoryArtifact>();
  std::vector<std::span<std::byte>> places;
  for (const TableRow& row : rows) {
    places.push_back(TENWATT_TRY(artifact->add(row.name, row.bytes)));
  }
  // Pieces are dealt out one by one: they differ in size by orders of magnitude.
  std::atomic<size_t> next{0};
  std::atomic<bool> good{true};
  team.run([&](Member&) {
    for (size_t i = next++; i < rows.size() && good; i = next++) {
      size_t done = 0;
      while (done < places[i].size()) {
        const size_t block = std::min(kReadBlock, places[i].size() - done);
        if (!read_at(file.get(), rows[i].offset + done, places[i].subspan(done, block))) {
          good = false;
          return;
        }
        done += block;
      }
      if (checksum64(places[i]) != rows[i].checksum) good = false;
    }
  });
  if (!good) return corrupt("has a piece that fails its checksum");
  return artifact;
}

Status ArtifactStore::write(const std::string& key, const MemoryArtifact& artifact) const {
  if (folder_.empty() || key.empty()) return {};
  TENWATT_TRY(make_folder(folder_));
  std::vector<TableRow> rows;
  for (const MemoryArtifact::Piece& piece : artifact.pieces()) {
    rows.push_back({piece.name, 0, piece.bytes.size(), checksum64(piece.bytes)});
  }
  size_t offset = round_up(make_table(key, rows).size(), kFileAlign);
  if (offset > kMaxTable) {
    return fail(ErrorCode::kUnsupported, "an artifact of " + std::to_string(rows.size()) +
                                             " pieces has too large a table to be kept");
  }
  for (TableRow& row : rows) {
    row.offset = offset;
    offset = round_up(offset + row.bytes, kFileAlign);
  }
  const std::string target = path(key);
  static std::atomic<uint64_t> writes{0};  // several programs may keep theirs at once
  const std::string temporary =
      target + "." + std::to_string(getpid()) + "-" + std::to_string(writes++) + ".tmp";
  bool good = false;
  {
    const FileHandle file(open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    std::string table = make_table(key, rows);
    table.resize(round_up(table.size(), kFileAlign), '\0');
    good = file && write_all(file.get(), std::as_bytes(std::span(table)));
    static constexpr std::byte kZeros[kFileAlign] = {};
    for (const MemoryArtifact::Piece& piece : artifact.pieces()) {
      if (!good) break;
      const size_t padding = round_up(piece.bytes.size(), kFileAlign) - piece.bytes.size();
      good = write_all(file.get(), piece.bytes) &&
             write_all(file.get(), std::span(kZeros).first(padding));
    }
  }
  if (!good || rename(temporary.c_str(), target.c_str()) != 0) {
    const std::string reason = strerror(errno);
    unlink(temporary.c_str());
    return fail(ErrorCode::kIo, "can't keep the artifact " + target + ": " + reason,
                "free disk space, or set TENWATT_HOME to another folder");
  }
  return {};
}

}  // namespace tenwatt::engine
