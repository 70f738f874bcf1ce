// One GET with its redirects, by libcurl. Knows nothing of files or of trying again.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "base/result.h"

namespace tenwatt::store {

/// What the last server of a chain of redirects said before its body. The etag is the first one
/// marked as the file's own (X-Linked-Etag), which names the file rather than a server's copy.
struct HttpReply {
  long status = 0;
  std::string etag;
  std::optional<uint64_t> length;       ///< of this body
  std::optional<uint64_t> range_first;  ///< of a partial body: the position it begins at
  std::string error_code;               ///< X-Error-Code
  std::string error_message;            ///< X-Error-Message
  std::optional<std::chrono::seconds> retry_after;
  std::string location;
};

struct HttpRequest {
  std::string url;
  std::string token;  ///< sent to the origin of token_url only
  std::string token_url;
  uint64_t first_byte = 0;  ///< asks for the rest from here on, if not 0
  std::chrono::seconds stall{20};
  const std::atomic<bool>* cancel = nullptr;
  /// Called once before the body of a 200 or 206; a failure ends the exchange with it.
  std::function<Status(const HttpReply&)> on_reply;
  std::function<Status(std::span<const std::byte>)> on_bytes;
};

/// Performs the request. Bodies of other answers than 200 and 206 are dropped unread; such answers
/// are no failure. kNetwork: the connection failed, stalled or ended early, which another attempt
/// may cure. kUnsupported: the address or the certificate is wrong. kCancelled, and what the
/// callbacks return.
Result<HttpReply> http_get(const HttpRequest& request);

/// Puts a path into an address: everything but letters, digits and "-._~/" becomes %XX.
std::string encode_path(std::string_view path);

}  // namespace tenwatt::store
