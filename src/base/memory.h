// Memory the engine computes in: 2 MB huge pages where the kernel grants them, and files mapped
// read-only. Huge pages give about a third more read bandwidth than 4 KB pages, so everything
// that is streamed per token lives in them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/result.h"

namespace tenwatt {

/// Zeroed anonymous memory, aligned to 64 bytes (2 MB and MADV_HUGEPAGE from 2 MB up). Move-only.
class HugeBuffer {
 public:
  HugeBuffer() = default;
  static Result<HugeBuffer> allocate(size_t bytes);
  HugeBuffer(HugeBuffer&& other) noexcept;
  HugeBuffer& operator=(HugeBuffer&& other) noexcept;
  ~HugeBuffer();

  std::byte* data() const { return data_; }
  size_t size() const { return size_; }
  std::span<std::byte> span() const { return {data_, size_}; }

 private:
  std::byte* data_ = nullptr;
  size_t size_ = 0;    // as asked for
  size_t mapped_ = 0;  // as mapped
  std::byte* map_ = nullptr;
};

/// A file mapped read-only. The bytes stay valid as long as any shared_ptr to the mapping lives.
class MappedFile {
 public:
  static Result<std::shared_ptr<MappedFile>> open(const std::string& path);
  MappedFile(const MappedFile&) = delete;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  const std::string& path() const { return path_; }

 private:
  friend bool drop_mapped(std::span<const std::byte> part);
  /// Tells the kernel that this part will not be read again soon. Reading it again is still valid.
  bool drop(std::span<const std::byte> part) const;

  MappedFile() = default;
  std::string path_;
  std::byte* data_ = nullptr;
  size_t size_ = 0;
};

/// Drops these bytes from the resident set if they are part of a file mapped by MappedFile, and
/// leaves them alone otherwise. True if they were.
bool drop_mapped(std::span<const std::byte> part);

/// Bytes of memory that this machine has; 0 if it does not say.
uint64_t physical_memory();

}  // namespace tenwatt
