// Fetches one wheel from the package index with pip in a child process. pip checks the wheel
// against the index's digest, keeps to the user's index and proxy settings, and with
// --only-binary runs no code of the package.
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "base/result.h"

namespace tenwatt::store {

struct WheelRequest {
  std::string package;
  std::string version;
  std::string folder;  ///< a folder of our own: gets the wheel and pip's temporary files
  std::function<void(uint64_t bytes)> on_bytes;  ///< how much has arrived; several times a second
  const std::atomic<bool>* cancel = nullptr;
};

/// The path of the wheel. kNotFound if the index has no such version, kUnsupported without pip,
/// kNetwork for the rest, each with its remedy; kCancelled.
Result<std::string> download_wheel(const WheelRequest& request);

/// A Python with pip ("python3", or Debian's own where that one lacks pip); $TENWATT_PYTHON wins.
Result<std::string> python_with_pip();

}  // namespace tenwatt::store
