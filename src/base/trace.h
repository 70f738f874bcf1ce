// A trace of what ran when on which thread, in the JSON that chrome://tracing and Perfetto read.
// Off by default and then one atomic load per span. Not for counting over hours: events are kept
// in memory until `stop` writes them.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace tenwatt {

/// The process's trace. All functions are thread-safe.
class Trace {
 public:
  /// Starts to record (dropping what was recorded before).
  static void start();
  /// Stops and writes the events to `path`. kInvalidArgument if it was not started.
  static Status stop(const std::string& path);
  static bool on() { return on_.load(std::memory_order_relaxed); }

  /// Marks the beginning of a step on this thread; every begin wants an end on the same thread.
  static void begin(std::string_view name, std::string_view category = "run");
  static void end();
  /// A value over time (tokens per second, bytes in use).
  static void counter(std::string_view name, double value);

 private:
  static std::atomic<bool> on_;
};

/// Begins a step and ends it with the scope.
class TraceSpan {
 public:
  explicit TraceSpan(std::string_view name, std::string_view category = "run")
      : active_(Trace::on()) {
    if (active_) Trace::begin(name, category);
  }
  ~TraceSpan() {
    if (active_) Trace::end();
  }
  TraceSpan(const TraceSpan&) = delete;
  TraceSpan& operator=(const TraceSpan&) = delete;

 private:
  bool active_;
};

}  // namespace tenwatt
