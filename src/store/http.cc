// The version of a part is written before its first byte, so a part without a note is nobody's and
// is thrown away. Attempts are counted between gains of a megabyte beyond the most that ever was
// here, so a server that sends little, or the same again and again, comes to an end too.
#include "store/http.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <thread>

#include "base/log.h"
#include "base/paths.h"
#include "store/http_exchange.h"

namespace tenwatt::store {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

constexpr uint64_t kGain = 1'000'000;
constexpr milliseconds kLongestPause{60'000};

std::string note_of(const std::string& path) { return path + ".etag"; }

// How much of a part can be gone on with.
uint64_t usable_bytes(const HttpFile& file) {
  std::error_code error;
  const uint64_t size = fs::file_size(file.path, error);
  if (error) return 0;
  if (size <= file.bytes && fs::exists(note_of(file.path), error)) return size;
  discard_part(file.path);
  return 0;
}

// The growing file of one attempt.
class Part {
 public:
  Part(const HttpFile& file, uint64_t offset) : file_(file), offset_(offset), size_(offset) {}
  Part(const Part&) = delete;
  Part& operator=(const Part&) = delete;
  ~Part() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

  // Decides from an answer's head where its body goes.
  Status begin(const HttpReply& reply) {
    const bool goes_on = reply.status == 206;
    if (goes_on && (offset_ == 0 || reply.range_first != offset_)) {
      return start_over("the server sent another range than was asked for");
    }
    if (goes_on && read_file(note_of(file_.path), 4096) != reply.etag) {
      return start_over("the file has changed on the server");
    }
    const uint64_t first = goes_on ? offset_ : 0;
    if (reply.length && first + *reply.length != file_.bytes) {
      return fail(ErrorCode::kNetwork, "the server states " + std::to_string(*reply.length) +
                                           " bytes where " + std::to_string(file_.bytes - first) +
                                           " are to come");
    }
    size_ = first;
    if (first == 0) TENWATT_TRY(write_file_atomically(note_of(file_.path), reply.etag));
    descriptor_ = ::open(file_.path.c_str(),
                         O_WRONLY | O_CREAT | O_CLOEXEC | (first == 0 ? O_TRUNC : O_APPEND), 0644);
    return descriptor_ < 0 ? refused() : Status{};
  }

  Status write(std::span<const std::byte> bytes) {
    if (bytes.size() > file_.bytes - size_) {
      discard_part(file_.path);
      return fail(ErrorCode::kNetwork, "the server sends more than the file's " +
                                           std::to_string(file_.bytes) + " bytes");
    }
    while (!bytes.empty()) {
      const ssize_t count = ::write(descriptor_, bytes.data(), bytes.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return refused();
      bytes = bytes.subspan(static_cast<size_t>(count));
      size_ += static_cast<uint64_t>(count);
    }
    if (file_.on_bytes) file_.on_bytes(size_);
    return {};
  }

 private:
  std::unexpected<Error> start_over(const std::string& reason) const {
    discard_part(file_.path);
    return fail(ErrorCode::kNetwork, reason + "; starting over");
  }
  std::unexpected<Error> refused() const {
    const int code = errno;
    const bool full = code == ENOSPC || code == EDQUOT || code == EFBIG;
    return fail(ErrorCode::kIo, "can't write " + file_.path + ": " + std::strerror(code),
                full ? "make room and run the same command again: it goes on where it stopped, or "
                       "set TENWATT_HOME to a folder on another disk"
                     : "set TENWATT_HOME to a folder that can be written");
  }

  const HttpFile& file_;
  uint64_t offset_;
  uint64_t size_;
  int descriptor_ = -1;
};

// Counts failures and waits between them.
class Attempts {
 public:
  explicit Attempts(const HttpSettings& settings)
      : settings_(settings), pause_(settings.first_pause) {}

  // Tells how much of the file is here.
  void reached(uint64_t bytes) {
    if (bytes < most_ + kGain) return;
    most_ = bytes;
    failures_ = 0;
    pause_ = settings_.first_pause;
  }

  // Waits for the next attempt; the error itself where none is left or none is of use.
  Status next(const Error& error, std::optional<std::chrono::seconds> asked) {
    if (error.code != ErrorCode::kNetwork) return std::unexpected(error);
    if (++failures_ >= settings_.attempts) return std::unexpected(with_remedy(error));
    const milliseconds wait = std::min(asked ? milliseconds(*asked) : pause_, kLongestPause);
    log_information(error.message + "; trying again");
    const auto end = std::chrono::steady_clock::now() + wait;
    while (std::chrono::steady_clock::now() < end) {
      if (settings_.cancel != nullptr && settings_.cancel->load()) {
        return fail(ErrorCode::kCancelled, "cancelled");
      }
      std::this_thread::sleep_for(std::min(wait, milliseconds(50)));
    }
    pause_ *= 2;
    return {};
  }

 private:
  static Error with_remedy(Error error) {
    if (error.remedy.empty()) {
      error.remedy = "run the same command again later: it goes on where it stopped";
    }
    return error;
  }

  const HttpSettings& settings_;
  milliseconds pause_;
  int failures_ = 0;
  uint64_t most_ = 0;
};

// What an answer that is no file means, and what to do about it.
std::unexpected<Error> refusal(const HttpReply& reply) {
  const std::string status = "the hub answers " + std::to_string(reply.status);
  const std::string said = reply.error_message.empty() ? "" : " (" + reply.error_message + ")";
  if (reply.error_code == "GatedRepo") {
    return fail(ErrorCode::kNotFound, status + ": the model's terms must be accepted first" + said,
                "accept them on the model's page and set HF_TOKEN to a token of that account");
  }
  if (reply.status == 404) {
    return fail(ErrorCode::kNotFound, status + ": no such model, revision or file" + said,
                "check the spelling on the model's page");
  }
  if (reply.status == 401 || reply.status == 403) {
    return fail(ErrorCode::kNotFound, status + ": there is no such model, or it is private" + said,
                "check the spelling; for a private model set HF_TOKEN to a token that may read it");
  }
  // Overload and faults of the server pass; other refusals don't.
  const bool passes = reply.status >= 500 || reply.status == 429 || reply.status == 408;
  return fail(passes ? ErrorCode::kNetwork : ErrorCode::kUnsupported, status + said,
              passes ? "run the same command again later: it goes on where it stopped"
                     : "check HF_ENDPOINT");
}

HttpRequest request_of(const HttpSettings& settings, const std::string& url) {
  HttpRequest request;
  request.url = url;
  request.token = settings.token;
  request.token_url = settings.token_url;
  request.stall = settings.stall;
  request.cancel = settings.cancel;
  return request;
}

}  // namespace

Result<std::string> HttpClient::get(const std::string& url, size_t limit) const {
  for (Attempts attempts(settings_);;) {
    std::string body;
    HttpRequest request = request_of(settings_, url);
    request.on_bytes = [&](std::span<const std::byte> bytes) -> Status {
      if (bytes.size() > limit - body.size()) {
        return fail(ErrorCode::kOutOfRange,
                    "the answer is larger than " + std::to_string(limit) + " bytes: " + url,
                    "check HF_ENDPOINT");
      }
      body.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      return {};
    };
    const Result<HttpReply> reply = http_get(request);
    if (reply && reply->status == 200) return body;
    const Error error = reply ? refusal(*reply).error() : reply.error();
    TENWATT_TRY(attempts.next(error, reply ? reply->retry_after : std::nullopt));
  }
}

Status HttpClient::download(const HttpFile& file) const {
  for (Attempts attempts(settings_);;) {
    const uint64_t offset = usable_bytes(file);
    std::error_code error_code;
    if (offset == file.bytes && fs::exists(file.path, error_code)) return {};
    Part part(file, offset);
    HttpRequest request = request_of(settings_, file.url);
    request.first_byte = offset;
    request.on_reply = [&](const HttpReply& reply) { return part.begin(reply); };
    request.on_bytes = [&](std::span<const std::byte> bytes) { return part.write(bytes); };
    const Result<HttpReply> reply = http_get(request);
    const uint64_t now = usable_bytes(file);
    const bool whole = now == file.bytes && fs::exists(file.path, error_code);
    if (reply && whole) return {};
    attempts.reached(now);
    Error error = reply ? refusal(*reply).error() : reply.error();
    if (reply && (reply->status == 200 || reply->status == 206)) {
      error = {ErrorCode::kNetwork, "the server ended the file too early", ""};
    }
    // The part is as long as the file or longer by the server's count: not a part of this version.
    if (reply && reply->status == 416) {
      discard_part(file.path);
      error = {ErrorCode::kNetwork, "the server has no such range; starting over", ""};
    }
    TENWATT_TRY(attempts.next(error, reply ? reply->retry_after : std::nullopt));
  }
}

void discard_part(const std::string& path) {
  std::error_code ignored;
  fs::remove(path, ignored);
  fs::remove(note_of(path), ignored);
}

}  // namespace tenwatt::store
