// Text to phonemes by a helper program that is kept running (helpers/phonemize). It is a process of
// its own because espeak-ng, which it wraps, is under another licence and keeps global state; the
// protocol between them is in the helper's README.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/process.h"
#include "base/result.h"
#include "text/phonemes.h"

namespace tenwatt::text {

/// Where the helper is: $TENWATT_PHONEMIZE, else beside the program or the library, as built or as
/// installed.
std::string phonemizer_program();

struct PhonemizerOptions {
  std::string program = phonemizer_program();
  std::chrono::milliseconds timeout{5000};  ///< for one request
};

/// The helper starts with the first request. Safe for many threads; requests run one at a time.
class PhonemizerProcess {
 public:
  static constexpr size_t kMostBytes = size_t{1} << 20;

  explicit PhonemizerProcess(PhonemizerOptions options = {}) : options_(std::move(options)) {}

  /// The sentences of `text`, spoken by espeak-ng's voice (a voice file's espeak.voice). Bytes that
  /// are not UTF-8 are left out. A helper that crashed is started again once per request.
  /// kNotFound: no helper; kInvalidArgument: no such voice; kOutOfRange: over kMostBytes; kIo: too
  /// slow, or crashed twice.
  Result<std::vector<Phonemes>> phonemize(std::string_view voice, std::string_view text);

  /// Starts the helper ahead of the first request.
  Status warm_up();

  /// The running helper's process, for tests and accounts.
  std::optional<pid_t> process_id() const;

 private:
  Status start();
  Result<std::string> exchange(const std::string& request);
  Result<std::string> exchange_or_restart(const std::string& request);

  const PhonemizerOptions options_;
  mutable std::mutex mutex_;
  std::optional<Process> process_;
};

}  // namespace tenwatt::text
