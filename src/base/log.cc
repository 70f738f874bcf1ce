// One spdlog logger on standard error; colours only on a terminal.
#include "base/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>

namespace tenwatt {
namespace {

std::atomic<LogLevel> current_level{LogLevel::kInformation};

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

void write(LogLevel wanted, spdlog::level::level_enum level, std::string_view message) {
  if (current_level.load(std::memory_order_relaxed) < wanted) return;
  logger().log(level, spdlog::string_view_t(message.data(), message.size()));
}

}  // namespace

void set_log_level(LogLevel level) { current_level = level; }
LogLevel log_level() { return current_level; }

void log_error(std::string_view message) { write(LogLevel::kError, spdlog::level::err, message); }
void log_warning(std::string_view message) {
  write(LogLevel::kInformation, spdlog::level::warn, message);
}
void log_information(std::string_view message) {
  write(LogLevel::kInformation, spdlog::level::info, message);
}
void log_debug(std::string_view message) { write(LogLevel::kDebug, spdlog::level::debug, message); }
void log_trace(std::string_view message) { write(LogLevel::kTrace, spdlog::level::trace, message); }

}  // namespace tenwatt
