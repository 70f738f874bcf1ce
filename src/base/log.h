// Messages for people, on standard error unless the program that embeds Tenwatt takes them. Not for
// results (those go to standard output) and not for errors of functions (those are returned).
// spdlog is behind this header because including it costs seconds of compile time.
#pragma once

#include <functional>
#include <string_view>

namespace tenwatt {

/// From little to much: -q shows errors only, the default adds warnings and information, -v adds
/// debug messages, -vv everything.
enum class LogLevel { kError, kWarning, kInformation, kDebug, kTrace };

/// Messages beyond this level are dropped. Thread-safe; one setting for the process.
void set_log_level(LogLevel level);
LogLevel log_level();

/// Receives what the level lets through: one message without a line break per call, one call at a
/// time, on the thread that logs. It must not log and must not throw.
using LogSink = std::function<void(LogLevel level, std::string_view message)>;
/// Sends messages to `sink` instead of standard error; an empty one leads back there. Thread-safe;
/// when it returns, the sink before is no longer called.
void set_log_sink(LogSink sink);

/// Thread-safe; one line each. Format beforehand (fmt::format) and only if the level asks for it.
void log_error(std::string_view message);
void log_warning(std::string_view message);
void log_information(std::string_view message);
void log_debug(std::string_view message);
void log_trace(std::string_view message);

}  // namespace tenwatt
