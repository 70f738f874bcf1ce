// Every offset is checked against the file's size before it is followed, in 64 bits, so that sums
// of the format's 32-bit fields can't wrap.
#include "store/zip.h"

#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <span>

namespace tenwatt::store {
namespace {

constexpr uint32_t kLocalSignature = 0x04034b50;
constexpr uint32_t kCentralSignature = 0x02014b50;
constexpr uint32_t kEndSignature = 0x06054b50;
constexpr size_t kLocalBytes = 30;
constexpr size_t kCentralBytes = 46;
constexpr size_t kEndBytes = 22;
constexpr uint16_t kEncrypted = 1;
constexpr uint16_t kStored = 0;
constexpr uint16_t kDeflated = 8;

std::unexpected<Error> corrupt(const std::string& what) {
  return fail(ErrorCode::kCorrupt, "broken zip archive: " + what);
}

// Little-endian fields at `offset`; the caller has checked that they lie inside.
template <class Number>
Number field(std::span<const std::byte> bytes, uint64_t offset) {
  Number value = 0;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

bool inside(std::span<const std::byte> bytes, uint64_t offset, uint64_t length) {
  return offset <= bytes.size() && length <= bytes.size() - offset;
}

std::string_view text(std::span<const std::byte> bytes, uint64_t offset, size_t length) {
  return {reinterpret_cast<const char*>(bytes.data()) + offset, length};
}

// The end record is the last one whose comment reaches exactly to the end of the file.
std::optional<uint64_t> find_end(std::span<const std::byte> bytes) {
  if (bytes.size() < kEndBytes) return std::nullopt;
  const uint64_t last = bytes.size() - kEndBytes;
  const uint64_t first = last > 65535 ? last - 65535 : 0;
  for (uint64_t at = last + 1; at-- > first;) {
    if (field<uint32_t>(bytes, at) != kEndSignature) continue;
    if (at + kEndBytes + field<uint16_t>(bytes, at + 20) == bytes.size()) return at;
  }
  return std::nullopt;
}

struct Directory {
  uint64_t offset = 0;
  uint64_t bytes = 0;
  uint32_t count = 0;
};

Result<Directory> read_end(std::span<const std::byte> bytes) {
  const std::optional<uint64_t> end = find_end(bytes);
  if (!end) return corrupt("no end of the central directory");
  const Directory directory = {field<uint32_t>(bytes, *end + 16), field<uint32_t>(bytes, *end + 12),
                               field<uint16_t>(bytes, *end + 10)};
  const bool one_volume = field<uint16_t>(bytes, *end + 4) == 0 &&
                          field<uint16_t>(bytes, *end + 6) == 0 &&
                          field<uint16_t>(bytes, *end + 8) == directory.count;
  if (directory.count == 0xffff || directory.offset == 0xffffffff || !one_volume) {
    return fail(ErrorCode::kUnsupported, "a zip64 or multi-volume archive");
  }
  if (!inside(bytes.first(*end), directory.offset, directory.bytes)) {
    return corrupt("the central directory lies outside the file");
  }
  return directory;
}

// Where the member's packed bytes begin, after checking its local header.
Result<uint64_t> data_offset(std::span<const std::byte> bytes, const ZipMember& member) {
  const uint64_t at = member.header_offset;
  if (!inside(bytes, at, kLocalBytes) || field<uint32_t>(bytes, at) != kLocalSignature) {
    return corrupt("no local header of " + member.name);
  }
  const size_t name_bytes = field<uint16_t>(bytes, at + 26);
  const uint64_t begin = at + kLocalBytes + name_bytes + field<uint16_t>(bytes, at + 28);
  if (!inside(bytes, begin, member.packed_bytes)) {
    return corrupt(member.name + " reaches beyond the file");
  }
  if (text(bytes, at + kLocalBytes, name_bytes) != member.name) {
    return corrupt("two names for " + member.name);
  }
  return begin;
}

// A file that is written once, or removed.
class NewFile {
 public:
  explicit NewFile(std::string path)
      : path_(std::move(path)),
        descriptor_(::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)) {}
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;
  ~NewFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
    if (descriptor_ >= 0 && !kept_) ::unlink(path_.c_str());
  }
  Status write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const ssize_t count = ::write(descriptor_, bytes.data(), bytes.size());
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return failure();
      bytes = bytes.subspan(static_cast<size_t>(count));
    }
    return {};
  }
  Status keep() {
    if (descriptor_ < 0 || ::fsync(descriptor_) != 0) return failure();
    kept_ = true;
    return {};
  }

 private:
  std::unexpected<Error> failure() const {
    return fail(ErrorCode::kIo, "can't write " + path_ + ": " + std::strerror(errno));
  }
  std::string path_;
  int descriptor_;
  bool kept_ = false;
};

// Checks what has been unpacked so far against the directory's promise.
struct Unpacked {
  const ZipMember& member;
  NewFile& file;
  uint64_t bytes = 0;
  uLong crc = ::crc32(0, nullptr, 0);

  Status add(std::span<const std::byte> piece) {
    if (piece.size() > member.bytes - bytes) {
      return corrupt(member.name + " is larger than its entry says");
    }
    bytes += piece.size();
    crc = ::crc32_z(crc, reinterpret_cast<const Bytef*>(piece.data()), piece.size());
    return file.write(piece);
  }
  Status finish() {
    if (bytes != member.bytes) return corrupt(member.name + " is shorter than its entry says");
    if (crc != member.crc32) return corrupt(member.name + " has a wrong checksum");
    return file.keep();
  }
};

struct Inflater {
  z_stream stream{};
  bool ready = ::inflateInit2(&stream, -MAX_WBITS) == Z_OK;
  Inflater() = default;
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater() {
    if (ready) ::inflateEnd(&stream);
  }
};

Status inflate_into(Unpacked& unpacked, std::span<const std::byte> packed) {
  Inflater inflater;
  if (!inflater.ready) return fail(ErrorCode::kOutOfMemory, "no memory to unpack");
  std::vector<std::byte> piece(size_t{1} << 18);
  z_stream& stream = inflater.stream;
  // Entries are below 4 GB (no zip64), so the whole input fits zlib's 32-bit count.
  stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  while (true) {
    stream.next_out = reinterpret_cast<Bytef*>(piece.data());
    stream.avail_out = static_cast<uInt>(piece.size());
    const int state = ::inflate(&stream, Z_NO_FLUSH);
    TENWATT_TRY(unpacked.add(std::span(piece).first(piece.size() - stream.avail_out)));
    if (state == Z_STREAM_END) return {};
    if (state != Z_OK) return corrupt(unpacked.member.name + " can't be inflated");
  }
}

}  // namespace

Result<ZipReader> ZipReader::open(const std::string& path) {
  ZipReader reader;
  reader.file_ = TENWATT_TRY(MappedFile::open(path));
  const std::span<const std::byte> bytes = reader.file_->bytes();
  const Directory directory = TENWATT_TRY(read_end(bytes));
  const std::span<const std::byte> entries =
      bytes.subspan(static_cast<size_t>(directory.offset), static_cast<size_t>(directory.bytes));
  uint64_t at = 0;
  for (uint32_t index = 0; index < directory.count; ++index) {
    if (!inside(entries, at, kCentralBytes) || field<uint32_t>(entries, at) != kCentralSignature) {
      return corrupt("the central directory ends early");
    }
    const size_t name_bytes = field<uint16_t>(entries, at + 28);
    const uint64_t total = kCentralBytes + name_bytes + field<uint16_t>(entries, at + 30) +
                           field<uint16_t>(entries, at + 32);
    if (!inside(entries, at, total)) return corrupt("an entry reaches beyond the directory");
    ZipMember member;
    member.name = text(entries, at + kCentralBytes, name_bytes);
    member.method = field<uint16_t>(entries, at + 10);
    member.crc32 = field<uint32_t>(entries, at + 16);
    member.packed_bytes = field<uint32_t>(entries, at + 20);
    member.bytes = field<uint32_t>(entries, at + 24);
    member.header_offset = field<uint32_t>(entries, at + 42);
    const bool encrypted = (field<uint16_t>(entries, at + 8) & kEncrypted) != 0;
    if (encrypted || member.bytes == 0xffffffff || member.packed_bytes == 0xffffffff) {
      return fail(ErrorCode::kUnsupported, "an encrypted or zip64 entry: " + member.name);
    }
    reader.members_.push_back(std::move(member));
    at += total;
  }
  return reader;
}

Result<ZipMember> ZipReader::find(std::string_view name) const {
  const auto found = std::ranges::find(members_, name, &ZipMember::name);
  if (found == members_.end()) {
    return fail(ErrorCode::kNotFound, "no " + std::string(name) + " in " + file_->path());
  }
  if (std::ranges::count(members_, name, &ZipMember::name) > 1) {
    return corrupt("two members are named " + std::string(name));
  }
  return *found;
}

Status ZipReader::extract(const ZipMember& member, const std::string& to) const {
  const std::span<const std::byte> bytes = file_->bytes();
  const uint64_t offset = TENWATT_TRY(data_offset(bytes, member));
  const auto packed =
      bytes.subspan(static_cast<size_t>(offset), static_cast<size_t>(member.packed_bytes));
  NewFile file(to);
  Unpacked unpacked{member, file};
  if (member.method == kStored) {
    TENWATT_TRY(unpacked.add(packed));
  } else if (member.method == kDeflated) {
    TENWATT_TRY(inflate_into(unpacked, packed));
  } else {
    return fail(ErrorCode::kUnsupported,
                member.name + ": compression method " + std::to_string(member.method));
  }
  return unpacked.finish();
}

}  // namespace tenwatt::store
