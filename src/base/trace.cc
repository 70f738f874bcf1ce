// Events of all threads in one vector behind a mutex: a span is a step of microseconds or more, so
// the lock is not what it measures. Memory is bounded by dropping events beyond a million.
#include "base/trace.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <iterator>
#include <mutex>
#include <vector>

#include "base/paths.h"

namespace tenwatt {
namespace {

constexpr size_t kMaximumEvents = 1'000'000;

enum class EventKind : char { kBegin = 'B', kEnd = 'E', kCounter = 'C' };

struct Event {
  EventKind kind;
  int thread;
  int64_t time_ns;
  std::string name;
  std::string category;
  double value;
};

std::mutex mutex;
std::vector<Event> events;
int64_t origin_ns = 0;

int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

int thread_number() {
  static std::atomic<int> next{1};
  static thread_local const int number = next++;
  return number;
}

void record(EventKind kind, std::string_view name, std::string_view category, double value) {
  const int64_t time = now_ns();
  const std::lock_guard lock(mutex);
  if (events.size() >= kMaximumEvents && kind != EventKind::kEnd) return;
  events.push_back(
      {kind, thread_number(), time - origin_ns, std::string(name), std::string(category), value});
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (char character : text) {
    const auto byte = static_cast<unsigned char>(character);
    if (character == '"' || character == '\\') {
      out += '\\';
      out += character;
    } else if (byte < 0x20) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", byte);
    } else {
      out += character;
    }
  }
  return out + '"';
}

void append(std::string& out, const Event& event) {
  fmt::format_to(std::back_inserter(out), R"({{"ph":"{}","pid":{},"tid":{},"ts":{:.3f})",
                 static_cast<char>(event.kind), ::getpid(), event.thread,
                 static_cast<double>(event.time_ns) / 1000.0);
  if (!event.name.empty()) out += ",\"name\":" + quoted(event.name);
  if (!event.category.empty()) out += ",\"cat\":" + quoted(event.category);
  if (event.kind == EventKind::kCounter) {
    fmt::format_to(std::back_inserter(out), R"(,"args":{{"value":{}}})",
                   std::isfinite(event.value) ? event.value : 0.0);
  }
  out += '}';
}

}  // namespace

std::atomic<bool> Trace::on_{false};

void Trace::start() {
  const std::lock_guard lock(mutex);
  events.clear();
  origin_ns = now_ns();
  on_ = true;
}

Status Trace::stop(const std::string& path) {
  if (!on_.exchange(false)) return fail(ErrorCode::kInvalidArgument, "no trace was started");
  std::string text = "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n";
  {
    const std::lock_guard lock(mutex);
    for (size_t index = 0; index < events.size(); ++index) {
      append(text, events[index]);
      text += index + 1 < events.size() ? ",\n" : "\n";
    }
    events.clear();
  }
  text += "]}\n";
  return write_file_atomically(path, text);
}

void Trace::begin(std::string_view name, std::string_view category) {
  if (on()) record(EventKind::kBegin, name, category, 0);
}

void Trace::end() {
  if (on()) record(EventKind::kEnd, {}, {}, 0);
}

void Trace::counter(std::string_view name, double value) {
  if (on()) record(EventKind::kCounter, name, {}, value);
}

}  // namespace tenwatt
