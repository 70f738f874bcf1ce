// Messages for people, on standard error. Not for results (those go to standard output) and not
// for errors of functions (those are returned). spdlog is behind this header because including it
// costs seconds of compile time.
#pragma once

#include <string_view>

namespace tenwatt {

/// From little to much: -q shows errors only, the default adds warnings and information, -v adds
/// debug messages, -vv everything.
enum class LogLevel { kError, kInformation, kDebug, kTrace };

void set_log_level(LogLevel level);
LogLevel log_level();

/// Thread-safe; one line each. Format beforehand (fmt::format) and only if the level asks for it.
void log_error(std::string_view message);
void log_warning(std::string_view message);
void log_information(std::string_view message);
void log_debug(std::string_view message);
void log_trace(std::string_view message);

}  // namespace tenwatt
