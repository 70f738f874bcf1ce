// Time as an interface, so that code with time-outs and schedules can be tested without waiting.
// Not for dates; monotonic time only.
#pragma once

#include <atomic>
#include <chrono>
#include <thread>

namespace tenwatt {

/// Monotonic time. Implementations are safe to use from several threads.
class Clock {
 public:
  using Duration = std::chrono::nanoseconds;
  virtual ~Clock() = default;
  /// Time since a fixed but arbitrary moment.
  virtual Duration now() const = 0;
  virtual void sleep_for(Duration duration) = 0;
};

/// The machine's steady clock.
class SystemClock final : public Clock {
 public:
  Duration now() const override { return std::chrono::steady_clock::now().time_since_epoch(); }
  void sleep_for(Duration duration) override { std::this_thread::sleep_for(duration); }
};

/// A clock that moves only when told to, or when somebody sleeps on it.
class ManualClock final : public Clock {
 public:
  Duration now() const override { return Duration(now_.load()); }
  void sleep_for(Duration duration) override { advance(duration); }
  void advance(Duration duration) { now_ += duration.count(); }

 private:
  std::atomic<Duration::rep> now_{0};
};

/// The process's system clock.
inline Clock& system_clock() {
  static SystemClock clock;
  return clock;
}

/// Seconds since it was made.
class Stopwatch {
 public:
  explicit Stopwatch(const Clock& clock = system_clock()) : clock_(clock), start_(clock.now()) {}
  double seconds() const { return std::chrono::duration<double>(clock_.now() - start_).count(); }

 private:
  const Clock& clock_;
  Clock::Duration start_;
};

}  // namespace tenwatt
