// Fetching over HTTP from servers that may be slow, broken or hostile: bounded bodies, a limit on
// standing still, a bounded number of attempts, and files that go on where they stopped. Not a
// general client: only GET, only what downloads need.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "base/result.h"

namespace tenwatt::store {

/// How a client behaves towards all servers. The token goes to the origin of `token_url` (scheme,
/// host and port) and nowhere else, redirects included.
struct HttpSettings {
  std::string token;
  std::string token_url;
  std::chrono::seconds stall{20};               ///< less than 1 KB/s for so long: broken off
  std::chrono::milliseconds first_pause{1000};  ///< between attempts; doubles each time
  int attempts = 5;                             ///< in a row that gained less than 1 MB
  const std::atomic<bool>* cancel = nullptr;
};

/// A file to fetch. `path` grows; beside it `path`.etag says which version it belongs to, so that a
/// later call goes on with it only if the server still has that version.
struct HttpFile {
  std::string url;
  std::string path;
  uint64_t bytes = 0;  ///< what it must have in the end; the server can't make it grow beyond
  std::function<void(uint64_t bytes)> on_bytes;  ///< how much of it is here
};

/// Safe for concurrent use.
class HttpClient {
 public:
  explicit HttpClient(HttpSettings settings) : settings_(std::move(settings)) {}

  /// The body of a 200 answer, of at most `limit` bytes. kNotFound for 401, 403 and 404
  /// (a hub does not tell what is private from what isn't there), kUnsupported for other refusals,
  /// kOutOfRange beyond the limit, kNetwork for what attempts did not cure; kCancelled.
  Result<std::string> get(const std::string& url, size_t limit) const;
  /// Completes a file. Errors as `get`, kIo if the disk refuses. What has arrived and may be right
  /// stays in any case.
  Status download(const HttpFile& file) const;

 private:
  HttpSettings settings_;
};

/// Removes a part and its note.
void discard_part(const std::string& path);

}  // namespace tenwatt::store
