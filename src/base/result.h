// Failure as a value: what went wrong, and what to do next.
//
// Every function that can fail returns Result<T>. Exceptions of libraries end in the room that
// calls them. TENWATT_TRY is the only macro for control flow in the house.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace tenwatt {

/// The closed list of failures. `error_name` gives the stable spelling, `exit_code` the code that
/// the program leaves with (docs: interface, "Exit").
enum class ErrorCode {
  kInvalidArgument,  ///< the caller asked for something that makes no sense
  kUsage,            ///< a command line that can't be understood
  kNotFound,         ///< a file, tensor, model or name that is not there
  kModelMissing,     ///< a catalogue model that has not been pulled
  kCorrupt,          ///< bytes that break their format's rules
  kUnsupported,      ///< valid, but not something this build can do
  kOutOfRange,       ///< a size or position beyond a stated bound
  kOutOfMemory,      ///< memory or a device's budget is exhausted
  kCancelled,        ///< the caller cancelled the run
  kIo,               ///< the operating system refused
  kNetwork,          ///< a download failed
  kDevice,           ///< an accelerator failed
  kAudioDevice,      ///< a microphone or loudspeaker failed
  kInternal,         ///< a fault of ours
};

/// The stable, lower-case name of a code ("not_found").
std::string_view error_name(ErrorCode code);

/// The process exit code of a failure: 1 failed, 2 usage, 3 model missing, 4 audio device.
int exit_code(ErrorCode code);

/// What was wrong and where (`message`), and the next command or change that helps (`remedy`,
/// may be empty).
struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;
  std::string remedy;
};

template <class T>
using Result = std::expected<T, Error>;
using Status = Result<void>;

/// Builds the failure branch of any Result: `return fail(ErrorCode::kCorrupt, "...");`
inline std::unexpected<Error> fail(ErrorCode code, std::string message, std::string remedy = {}) {
  return std::unexpected<Error>(Error{code, std::move(message), std::move(remedy)});
}

/// Puts `where` in front of an error's message, keeping its code and remedy.
inline std::unexpected<Error> fail_in(std::string_view where, Error error) {
  error.message = std::string(where) + ": " + error.message;
  return std::unexpected<Error>(std::move(error));
}

namespace detail {
template <class T>
T take(std::expected<T, Error>&& result) {
  return std::move(*result);
}
inline void take(std::expected<void, Error>&&) {}
}  // namespace detail

}  // namespace tenwatt

/// Gives the value of a Result, or returns its error from the enclosing function:
/// `auto file = TENWATT_TRY(open(path));` or `TENWATT_TRY(check(file));`
#define TENWATT_TRY(...)                                                           \
  __extension__({                                                                  \
    auto tenwatt_result = (__VA_ARGS__);                                           \
    if (!tenwatt_result) [[unlikely]]                                              \
      return std::unexpected<::tenwatt::Error>(std::move(tenwatt_result).error()); \
    ::tenwatt::detail::take(std::move(tenwatt_result));                            \
  })
