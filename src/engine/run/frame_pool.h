// Memory for the values that cross partitions in a run, used again by the next run of about the
// same size, so that a decode step allocates nothing.
#pragma once

#include <algorithm>
#include <memory>
#include <mutex>
#include <vector>

#include "base/memory.h"
#include "base/result.h"

namespace tenwatt::engine {

/// Thread-safe. Frames keep the pool alive.
class FramePool : public std::enable_shared_from_this<FramePool> {
 public:
  FramePool() { free_.reserve(kKept + 1); }  // so that giving back never allocates

  using Frame = std::shared_ptr<HugeBuffer>;

  /// Memory of at least `bytes`, content undefined; it returns to the pool with the last handle.
  Result<Frame> take(size_t bytes) {
    std::unique_ptr<HugeBuffer> buffer = reuse(bytes);
    if (!buffer) {
      // Some slack lets a sequence that grows a little meet the same frame again.
      buffer =
          std::make_unique<HugeBuffer>(TENWATT_TRY(HugeBuffer::allocate(bytes + bytes / 4 + 4096)));
    }
    return Frame(buffer.release(), [pool = shared_from_this()](HugeBuffer* returned) {
      std::lock_guard lock(pool->mutex_);
      pool->free_.emplace_back(returned);
      if (pool->free_.size() > kKept) pool->free_.erase(pool->free_.begin());
    });
  }

 private:
  static constexpr size_t kKept = 4;

  std::unique_ptr<HugeBuffer> reuse(size_t bytes) {
    std::lock_guard lock(mutex_);
    const auto found = std::ranges::find_if(free_, [&](const auto& buffer) {
      return buffer->size() >= bytes && buffer->size() <= 4 * bytes + (size_t{1} << 20);
    });
    if (found == free_.end()) return nullptr;
    std::unique_ptr<HugeBuffer> buffer = std::move(*found);
    free_.erase(found);
    return buffer;
  }

  std::mutex mutex_;
  std::vector<std::unique_ptr<HugeBuffer>> free_;
};

}  // namespace tenwatt::engine
