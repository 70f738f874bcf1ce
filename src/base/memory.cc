#include "base/memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <vector>

namespace tenwatt {
namespace {

constexpr size_t kHugePage = size_t{2} << 20;
constexpr size_t kSmallPage = 4096;

size_t round_up(size_t value, size_t unit) { return (value + unit - 1) / unit * unit; }

/// The files mapped now, so that drop_mapped can tell file pages from anonymous ones (whose
/// content would be lost).
struct Mappings {
  std::mutex mutex;
  std::vector<const MappedFile*> files;
};
Mappings& mappings() {
  static Mappings all;
  return all;
}

}  // namespace

Result<HugeBuffer> HugeBuffer::allocate(size_t bytes) {
  HugeBuffer buffer;
  if (bytes == 0) return buffer;
  const bool huge = bytes >= kHugePage;
  const size_t unit = huge ? kHugePage : kSmallPage;
  if (bytes > SIZE_MAX - 2 * unit) {
    return fail(ErrorCode::kOutOfMemory, "a buffer of " + std::to_string(bytes) + " bytes");
  }
  // One unit more than needed, so that an aligned start always lies inside.
  const size_t mapped = round_up(bytes, unit) + (huge ? unit : 0);
  void* map = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (map == MAP_FAILED) {
    return fail(ErrorCode::kOutOfMemory,
                "the system refused " + std::to_string(bytes) + " bytes: " + strerror(errno),
                "close other programs or choose a smaller model");
  }
  buffer.map_ = static_cast<std::byte*>(map);
  buffer.mapped_ = mapped;
  buffer.size_ = bytes;
  const auto start = round_up(reinterpret_cast<uintptr_t>(map), unit);
  buffer.data_ = reinterpret_cast<std::byte*>(start);
  if (huge) madvise(buffer.data_, round_up(bytes, unit), MADV_HUGEPAGE);
  return buffer;
}

HugeBuffer::HugeBuffer(HugeBuffer&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      mapped_(std::exchange(other.mapped_, 0)),
      map_(std::exchange(other.map_, nullptr)) {}

HugeBuffer& HugeBuffer::operator=(HugeBuffer&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(mapped_, other.mapped_);
  std::swap(map_, other.map_);
  return *this;
}

HugeBuffer::~HugeBuffer() {
  if (map_ != nullptr) munmap(map_, mapped_);
}

Result<std::shared_ptr<MappedFile>> MappedFile::open(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    const ErrorCode code = errno == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo;
    return fail(code, "can't open " + path + ": " + strerror(errno));
  }
  struct stat info{};
  if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    close(fd);
    return fail(ErrorCode::kIo, path + " is not a regular file");
  }
  std::shared_ptr<MappedFile> file(new MappedFile);
  file->path_ = path;
  file->size_ = static_cast<size_t>(info.st_size);
  if (file->size_ > 0) {
    void* map = mmap(nullptr, file->size_, PROT_READ, MAP_PRIVATE, fd, 0);
    if (map == MAP_FAILED) {
      const int reason = errno;
      close(fd);
      return fail(ErrorCode::kIo, "can't map " + path + ": " + strerror(reason));
    }
    file->data_ = static_cast<std::byte*>(map);
  }
  close(fd);
  Mappings& all = mappings();
  std::lock_guard lock(all.mutex);
  all.files.push_back(file.get());
  return file;
}

MappedFile::~MappedFile() {
  {
    Mappings& all = mappings();
    std::lock_guard lock(all.mutex);
    std::erase(all.files, this);
  }
  if (data_ != nullptr) munmap(data_, size_);
}

bool MappedFile::drop(std::span<const std::byte> part) const {
  if (part.data() < data_ || part.data() + part.size() > data_ + size_) return false;
  // Only whole pages inside the part: its neighbours may still be wanted.
  const auto begin = round_up(reinterpret_cast<uintptr_t>(part.data()), kSmallPage);
  const auto end =
      (reinterpret_cast<uintptr_t>(part.data()) + part.size()) / kSmallPage * kSmallPage;
  if (begin < end) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
  return true;
}

bool drop_mapped(std::span<const std::byte> part) {
  Mappings& all = mappings();
  std::lock_guard lock(all.mutex);
  return std::ranges::any_of(all.files, [&](const MappedFile* file) { return file->drop(part); });
}

uint64_t physical_memory() {
  const long pages = ::sysconf(_SC_PHYS_PAGES);
  const long bytes = ::sysconf(_SC_PAGESIZE);
  if (pages < 0 || bytes < 0) return 0;
  return static_cast<uint64_t>(pages) * static_cast<uint64_t>(bytes);
}

}  // namespace tenwatt
