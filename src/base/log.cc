// One spdlog logger on standard error; colours only on a terminal.
#include "base/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <array>
#include <atomic>
#include <mutex>

namespace tenwatt {
namespace {

std::atomic<LogLevel> current_level{LogLevel::kInformation};

// In the order of LogLevel.
constexpr std::array kSeverities = {spdlog::level::err, spdlog::level::warn, spdlog::level::info,
                                    spdlog::level::debug, spdlog::level::trace};

spdlog::logger& logger() {
  static spdlog::logger instance = [] {
    spdlog::logger made("tenwatt", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
    made.set_pattern("%^%l%$: %v");
    made.set_level(spdlog::level::trace);
    made.flush_on(spdlog::level::trace);
    return made;
  }();
  return instance;
}

/// Where the embedding program wants messages; threads that still log when the process ends must
/// find it, so it is never destroyed.
struct Outlet {
  std::mutex mutex;
  LogSink sink;
};
Outlet& outlet() {
  static auto* instance = new Outlet;
  return *instance;
}

void write(LogLevel level, std::string_view message) {
  if (current_level.load(std::memory_order_relaxed) < level) return;
  const std::lock_guard lock(outlet().mutex);
  if (outlet().sink) {
    outlet().sink(level, message);
    return;
  }
  logger().log(kSeverities[static_cast<size_t>(level)],
               spdlog::string_view_t(message.data(), message.size()));
}

}  // namespace

void set_log_level(LogLevel level) { current_level = level; }
LogLevel log_level() { return current_level; }

void set_log_sink(LogSink sink) {
  const std::lock_guard lock(outlet().mutex);
  outlet().sink = std::move(sink);
}

void log_error(std::string_view message) { write(LogLevel::kError, message); }
void log_warning(std::string_view message) { write(LogLevel::kWarning, message); }
void log_information(std::string_view message) { write(LogLevel::kInformation, message); }
void log_debug(std::string_view message) { write(LogLevel::kDebug, message); }
void log_trace(std::string_view message) { write(LogLevel::kTrace, message); }

}  // namespace tenwatt
