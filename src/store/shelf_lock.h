// One writer at a time in a models folder, across processes; and the hidden folder for parts of
// files that a pull has completed but not yet put together.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <utility>

#include "base/result.h"

namespace tenwatt::store {

/// An advisory lock on the models folder, released with the object or the process.
class ShelfLock {
 public:
  /// Waits for another holder (saying so once); kCancelled if `*cancel` becomes true meanwhile.
  static Result<ShelfLock> take(const std::string& folder,
                                const std::atomic<bool>* cancel = nullptr);
  ShelfLock(ShelfLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  ShelfLock& operator=(ShelfLock&&) = delete;
  ~ShelfLock();

 private:
  explicit ShelfLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

/// The folder of completed parts; a part's name begins with the digest of the file it belongs to.
std::string parts_folder(const std::string& folder);
/// Removes the parts of one file; the number removed.
uintmax_t remove_parts(const std::string& folder, const std::string& sha256);

}  // namespace tenwatt::store
