// The trace file is JSON that a viewer can read, whatever the names hold.
#include "base/trace.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "base/paths.h"

namespace tenwatt {
namespace {

TEST(Trace, HoldsMatchedSpansOfEveryThread) {
  const std::string path = ::testing::TempDir() + "tenwatt_trace.json";
  Trace::start();
  {
    const TraceSpan outer("outer \"quoted\"\n");
    std::thread([] { const TraceSpan inner("worker"); }).join();
    Trace::counter("tokens", 3.5);
  }
  ASSERT_TRUE(Trace::stop(path));
  const auto document = nlohmann::json::parse(read_file(path, 1 << 20).value());
  const auto& events = document.at("traceEvents");
  ASSERT_EQ(events.size(), 5u);
  EXPECT_EQ(events[0].at("name"), "outer \"quoted\"\n");
  EXPECT_EQ(events[0].at("ph"), "B");
  EXPECT_EQ(events[1].at("name"), "worker");
  EXPECT_NE(events[1].at("tid"), events[0].at("tid"));
  EXPECT_EQ(events[3].at("args").at("value"), 3.5);
  EXPECT_EQ(events[4].at("ph"), "E");
  EXPECT_EQ(events[4].at("tid"), events[0].at("tid"));
  EXPECT_GE(events[4].at("ts").get<double>(), events[0].at("ts").get<double>());
}

TEST(Trace, IsEmptyWhenOffAndCannotBeStoppedTwice) {
  {
    const TraceSpan span("unseen");
  }
  EXPECT_FALSE(Trace::stop("/nowhere/trace.json"));
}

}  // namespace
}  // namespace tenwatt
