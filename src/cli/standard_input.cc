#include "cli/standard_input.h"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace tenwatt::cli {
namespace {

constexpr size_t kMostBytes = size_t{64} << 20;
// A signal between the look at the flag and the wait would go unseen for this long.
constexpr int kWaitMilliseconds = 200;

/// Appends what is there, waiting for it. False at the end of the input.
Result<bool> read_more(std::string& text, const CancelFlag* cancel) {
  if (text.size() > kMostBytes) {
    return fail(ErrorCode::kOutOfRange, "standard input holds more than 64 MiB",
                "give a shorter text");
  }
  const auto failed = [] {
    return fail(ErrorCode::kIo, std::string("can't read standard input: ") + std::strerror(errno));
  };
  for (;;) {
    if (cancel != nullptr && *cancel) {
      return fail(ErrorCode::kCancelled, "interrupted while reading standard input");
    }
    pollfd waiting{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
    const int ready = ::poll(&waiting, 1, kWaitMilliseconds);
    if (ready < 0 && errno != EINTR) return failed();
    if (ready <= 0) continue;
    std::array<char, 65536> buffer;
    const ssize_t count = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (count < 0) return failed();
    text.append(buffer.data(), static_cast<size_t>(count));
    return count > 0;
  }
}

}  // namespace

Result<std::string> read_standard_input(const CancelFlag* cancel) {
  std::string text;
  while (TENWATT_TRY(read_more(text, cancel))) {
  }
  return text;
}

Result<std::optional<std::string>> LineReader::next() {
  size_t end = pending_.find('\n');
  while (end == std::string::npos && !ended_) {
    ended_ = !TENWATT_TRY(read_more(pending_, cancel_));
    end = pending_.find('\n');
  }
  if (end == std::string::npos && pending_.empty()) return std::optional<std::string>();
  std::string line = pending_.substr(0, end);
  pending_.erase(0, end == std::string::npos ? end : end + 1);
  if (line.ends_with('\r')) line.pop_back();
  return std::optional<std::string>(std::move(line));
}

}  // namespace tenwatt::cli
