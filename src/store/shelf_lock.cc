// flock: released by the kernel when its holder dies, so there are no stale locks.
#include "store/shelf_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <thread>
#include <vector>

#include "base/log.h"
#include "base/paths.h"

namespace tenwatt::store {

Result<ShelfLock> ShelfLock::take(const std::string& folder, const std::atomic<bool>* cancel) {
  TENWATT_TRY(make_folder(folder));
  const std::string path = folder + "/.lock";
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor < 0) {
    return fail(ErrorCode::kIo, "can't open " + path + ": " + std::strerror(errno),
                "set TENWATT_HOME to a folder that can be written");
  }
  ShelfLock lock(descriptor);
  bool told = false;
  while (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) {
      return fail(ErrorCode::kIo, "can't lock " + path + ": " + std::strerror(errno));
    }
    if (cancel != nullptr && cancel->load()) return fail(ErrorCode::kCancelled, "cancelled");
    if (!told) log_information("waiting for another process that changes " + folder);
    told = true;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return lock;
}

ShelfLock::~ShelfLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

std::string parts_folder(const std::string& folder) { return folder + "/.parts"; }

uintmax_t remove_parts(const std::string& folder, const std::string& sha256) {
  namespace fs = std::filesystem;
  std::error_code error;
  std::vector<fs::path> found;
  for (const auto& item : fs::directory_iterator(parts_folder(folder), error)) {
    if (item.path().filename().string().starts_with(sha256)) found.push_back(item.path());
  }
  uintmax_t removed = 0;
  for (const fs::path& path : found) removed += fs::remove(path, error) ? 1 : 0;
  return removed;
}

}  // namespace tenwatt::store
