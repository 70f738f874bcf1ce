// Pulling from a hub on this machine (hub_server.py) that cuts, stalls, lies and misbehaves.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/log.h"
#include "base/paths.h"
#include "base/process.h"
#include "store/hub_pull.h"
#include "store/hub_shelf.h"
#include "store/shelf.h"
#include "temporary_folder.h"

namespace tenwatt::store {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;

// 3 MB without a period, so that no piece can stand in for another.
std::string large_content() {
  std::string text;
  uint32_t state = 1;
  for (int i = 0; i < 3'000'000; ++i) {
    state = state * 1664525 + 1013904223;
    text += static_cast<char>(state >> 24);
  }
  return text;
}

struct Request {
  int port;
  std::string path;
  std::string range;
  std::string authorization;
};

struct HubTest : ::testing::Test {
  void SetUp() override {
    set_log_level(LogLevel::kError);
    add("tiny/llm/model.gguf", large);
    add("tiny/llm/README.md", "hello");
    ::setenv("TENWATT_HOME", root.c_str(), 1);
    ProcessOptions options;
    options.arguments = {"python3", TENWATT_SOURCE_DIR "/tests/unit/store/hub_server.py", root};
    options.standard_input = Stream::kPipe;
    auto started = Process::start(options);
    ASSERT_TRUE(started) << started.error().message;
    server = std::make_unique<Process>(std::move(*started));
    for (int i = 0; i < 200 && port.empty(); ++i) {
      port = read_file(root + "/port", 16).value_or("");
      std::this_thread::sleep_for(milliseconds(50));
    }
    ASSERT_FALSE(port.empty()) << "the server did not start";
    access.endpoint = "http://127.0.0.1:" + port;
    access.http.token = "secret";
    access.http.token_url = access.endpoint;
    access.http.stall = seconds(1);
    access.http.first_pause = milliseconds(1);
  }
  void TearDown() override {
    server.reset();
    ::unsetenv("TENWATT_HOME");
  }

  void add(const std::string& path, const std::string& bytes) const {
    const std::string full = root + "/repo/" + path;
    ASSERT_TRUE(make_folder(fs::path(full).parent_path().string()));
    ASSERT_TRUE(write_file_atomically(full, bytes));
  }
  void plan(const std::string& faults) const {
    ASSERT_TRUE(write_file_atomically(root + "/plan", faults));
  }
  Status run(const std::string& name, const PullOptions& options = {}) const {
    const auto parsed = parse_hub_name(name);
    return parsed ? pull_from_hub(models(), *parsed, access, options)
                  : Status(std::unexpected(parsed.error()));
  }
  std::string models() const { return root + "/models"; }
  std::string content(const std::string& path) const {
    return read_file(models() + "/hf/tiny/llm/main/" + path, size_t{1} << 24).value_or("(missing)");
  }
  std::vector<Request> requests() const {
    std::vector<Request> all;
    std::ifstream file(root + "/log");
    for (std::string line; std::getline(file, line);) {
      const auto json = nlohmann::json::parse(line);
      const auto text = [&](const char* key) {
        return json[key].is_string() ? json[key].get<std::string>() : std::string();
      };
      all.push_back({json["port"].get<int>(), text("path"), text("range"), text("authorization")});
    }
    return all;
  }
  // Requests for bytes of large files: those of the second server.
  std::vector<Request> downloads() const {
    auto all = requests();
    std::erase_if(all, [](const Request& each) { return !each.path.contains("/cdn/"); });
    return all;
  }
  void expect_error(const Status& status, ErrorCode code, const std::string& words) const {
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, code) << status.error().message;
    EXPECT_TRUE(status.error().message.contains(words)) << status.error().message;
    EXPECT_FALSE(status.error().remedy.empty()) << status.error().message;
  }

  const std::string large = large_content();
  const material::TemporaryFolder folder;
  const std::string root = folder.path();
  std::string port;
  HubAccess access;
  std::unique_ptr<Process> server;
};

TEST_F(HubTest, FetchesTheOnlyModelAndLeavesNothingElse) {
  std::vector<std::string> completed;
  uint64_t last = 0;
  PullOptions options;
  options.on_progress = [&](const PullProgress& progress) {
    EXPECT_EQ(progress.total_bytes, large.size());
    EXPECT_GE(progress.done_bytes, last);
    last = progress.done_bytes;
    if (!progress.completed.empty()) completed.push_back(progress.completed);
  };
  ASSERT_TRUE(run("hf:tiny/llm", options));
  EXPECT_EQ(content("model.gguf"), large);
  EXPECT_EQ(last, large.size());
  EXPECT_EQ(completed.size(), 1u);
  EXPECT_EQ(content("README.md"), "(missing)");
  EXPECT_EQ(content("model.gguf.part"), "(missing)");
  EXPECT_EQ(content("model.gguf.part.etag"), "(missing)");
}

TEST_F(HubTest, TokenGoesToTheHubAndNotWhereItRedirects) {
  ASSERT_TRUE(run("hf:tiny/llm"));
  const auto all = requests();
  ASSERT_EQ(all.size(), 3u) << "the listing, the file, and the file elsewhere";
  EXPECT_EQ(all[0].authorization, "Bearer secret");
  EXPECT_EQ(all[1].authorization, "Bearer secret");
  EXPECT_NE(all[2].port, all[1].port);
  EXPECT_EQ(all[2].authorization, "");
}

TEST_F(HubTest, WhatIsHereAndRightIsNotFetchedAgain) {
  ASSERT_TRUE(run("hf:tiny/llm"));
  ASSERT_TRUE(run("hf:tiny/llm"));
  EXPECT_EQ(downloads().size(), 1u);
  std::string damaged = large;
  damaged[1000] ^= 1;
  ASSERT_TRUE(write_file_atomically(models() + "/hf/tiny/llm/main/model.gguf", damaged));
  ASSERT_TRUE(run("hf:tiny/llm"));
  EXPECT_EQ(content("model.gguf"), large);
}

TEST_F(HubTest, GoesOnWhereItWasCut) {
  plan("cut:1000000 cut:500000");
  ASSERT_TRUE(run("hf:tiny/llm"));
  EXPECT_EQ(content("model.gguf"), large);
  const auto all = downloads();
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[1].range, "bytes=1000000-");
  EXPECT_EQ(all[2].range, "bytes=1500000-");
}

TEST_F(HubTest, GoesOnInAnotherPull) {
  access.http.attempts = 1;
  plan("cut:1000000");
  expect_error(run("hf:tiny/llm"), ErrorCode::kNetwork, "model.gguf");
  ASSERT_TRUE(run("hf:tiny/llm"));
  EXPECT_EQ(content("model.gguf"), large);
  EXPECT_EQ(downloads().back().range, "bytes=1000000-");
}

TEST_F(HubTest, StandingStillIsBrokenOffAndCured) {
  plan("stall:1000000 drip");
  ASSERT_TRUE(run("hf:tiny/llm"));
  EXPECT_EQ(content("model.gguf"), large);
}

TEST_F(HubTest, AnIgnoredRangeStartsOver) {
  plan("cut:1000000 norange");
  ASSERT_TRUE(run("hf:tiny/llm"));
  EXPECT_EQ(content("model.gguf"), large);
}

TEST_F(HubTest, AnotherVersionMidwayStartsOver) {
  // The whole file changes on the server between two pulls.
  access.http.attempts = 1;
  plan("cut:1000000");
  ASSERT_FALSE(run("hf:tiny/llm"));
  std::string other = large;
  std::ranges::reverse(other);
  add("tiny/llm/model.gguf", other);
  access.http.attempts = 3;
  ASSERT_TRUE(run("hf:tiny/llm"));
  EXPECT_EQ(content("model.gguf"), other);
  EXPECT_EQ(downloads().back().range, "") << "the part of the old version was thrown away";
}

TEST_F(HubTest, WrongBytesAreFetchedOnceMoreAndNeverKept) {
  plan("wrong");
  ASSERT_TRUE(run("hf:tiny/llm"));
  EXPECT_EQ(content("model.gguf"), large);
  add("tiny/llm/other.gguf", large + "2");
  plan("wrong wrong");
  expect_error(run("hf:tiny/llm:other.gguf"), ErrorCode::kCorrupt, "digest");
  EXPECT_EQ(content("other.gguf"), "(missing)");
  EXPECT_EQ(content("other.gguf.part"), "(missing)");
}

TEST_F(HubTest, SmallFilesAreCheckedByTheirBlobId) {
  add("tiny/llm/small.onnx", "0123456789");
  plan("wrong wrong");
  expect_error(run("hf:tiny/llm:small.onnx"), ErrorCode::kCorrupt, "digest git:");
  plan("wrong");
  ASSERT_TRUE(run("hf:tiny/llm:small.onnx"));
  EXPECT_EQ(content("small.onnx"), "0123456789");
}

TEST_F(HubTest, AnEmptyFileIsAFileToo) {
  add("tiny/llm/empty.onnx", "");
  ASSERT_TRUE(run("hf:tiny/llm:empty.onnx"));
  EXPECT_EQ(content("empty.onnx"), "");
}

TEST_F(HubTest, LiesAboutLengthEnd) {
  plan("long:1000 short:1000");
  ASSERT_TRUE(run("hf:tiny/llm"));
  EXPECT_EQ(content("model.gguf"), large);
  add("tiny/llm/other.gguf", large + "2");
  plan("short:7 short:7 short:7 short:7 short:7");
  expect_error(run("hf:tiny/llm:other.gguf"), ErrorCode::kNetwork, "states");
}

TEST_F(HubTest, EndlessBodiesEnd) {
  plan("endless endless endless endless endless");
  expect_error(run("hf:tiny/llm"), ErrorCode::kNetwork, "sends more");
  std::error_code error;
  EXPECT_FALSE(fs::exists(models() + "/hf/tiny/llm/main/model.gguf", error));
  plan("api-endless");
  expect_error(run("hf:tiny/llm"), ErrorCode::kOutOfRange, "larger than");
}

TEST_F(HubTest, FaultsOfTheServerPassOrEnd) {
  plan("api-status:500 status:500 status:503 busy:0");
  ASSERT_TRUE(run("hf:tiny/llm"));
  EXPECT_EQ(content("model.gguf"), large);
  add("tiny/llm/other.gguf", large + "2");
  plan("status:500 status:500 status:500 status:500 status:500 status:500");
  expect_error(run("hf:tiny/llm:other.gguf"), ErrorCode::kNetwork, "500");
  EXPECT_EQ(read_file(root + "/plan", 100), "status:500") << "five attempts, no more";
}

TEST_F(HubTest, AServerThatAlwaysStartsOverEnds) {
  // Each attempt gains more than a megabyte and then belongs to another version.
  std::string faults;
  for (int i = 0; i < 100; ++i) faults += "cut:1500000 norange:0 etag:x ";
  plan(faults);
  access.http.attempts = 3;
  const auto begin = std::chrono::steady_clock::now();
  (void)run("hf:tiny/llm");
  EXPECT_LT(downloads().size(), 20u);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, seconds(60));
}

TEST_F(HubTest, CancellingLeavesWhatTheNextPullGoesOnWith) {
  std::atomic<bool> cancel = false;
  PullOptions options;
  options.cancel = &cancel;
  options.on_progress = [&](const PullProgress& progress) {
    if (progress.done_bytes > 500'000) cancel = true;
  };
  plan("slow");
  const Status status = run("hf:tiny/llm", options);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kCancelled);
  EXPECT_GT(content("model.gguf.part").size(), 500'000u);
  ASSERT_TRUE(run("hf:tiny/llm"));
  EXPECT_EQ(content("model.gguf"), large);
  EXPECT_TRUE(downloads().back().range.starts_with("bytes=")) << "it went on";
}

TEST_F(HubTest, AFullDiskIsSaidAndNothingIsRepeated) {
  ASSERT_TRUE(make_folder(models() + "/hf/tiny/llm/main"));
  fs::create_symlink("/dev/full", models() + "/hf/tiny/llm/main/model.gguf.part");
  expect_error(run("hf:tiny/llm"), ErrorCode::kIo, "No space left");
  EXPECT_LE(downloads().size(), 1u);
}

TEST_F(HubTest, RefusalsOfTheHubHaveRemedies) {
  expect_error(run("hf:gated/llm"), ErrorCode::kNotFound, "terms");
  expect_error(run("hf:no/such"), ErrorCode::kNotFound, "private");
  expect_error(run("hf:tiny/llm@v2"), ErrorCode::kNotFound, "404");
  expect_error(run("hf:tiny/llm:absent.gguf"), ErrorCode::kNotFound, "absent.gguf");
  EXPECT_EQ(downloads().size(), 0u);
}

TEST_F(HubTest, NoServerIsANetworkFailure) {
  server.reset();
  access.http.attempts = 2;
  expect_error(run("hf:tiny/llm"), ErrorCode::kNetwork, "127.0.0.1");
}

TEST_F(HubTest, ListingsThatClimbAreRefused) {
  const std::string sha(40, 'a');
  for (const char* path : {"../evil", "/etc/evil", "a/../../evil", "a\\\\..\\\\evil", ""}) {
    const std::string listing = R"({"sha":")" + sha + R"(","siblings":[{"rfilename":")" + path +
                                R"(","size":1,"blobId":")" + sha + R"("}]})";
    ASSERT_TRUE(write_file_atomically(root + "/listing", listing));
    const Status status = run("hf:tiny/llm:evil");
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, ErrorCode::kCorrupt) << path << ": " << status.error().message;
  }
  for (const char* text : {"", "[]", "{", "{}", R"({"siblings":3})", "\xff\xfe"}) {
    ASSERT_TRUE(write_file_atomically(root + "/listing", text));
    const Status status = run("hf:tiny/llm");
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, ErrorCode::kCorrupt) << text;
  }
}

TEST_F(HubTest, TheShelfKnowsWhatWasPulled) {
  const Shelf shelf(models(), built_in_catalogue());
  auto missing = shelf.resolve("hf:tiny/llm");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kModelMissing);
  EXPECT_EQ(missing.error().remedy, "tenwatt pull hf:tiny/llm");
  ASSERT_TRUE(run("hf:tiny/llm"));
  auto found = shelf.resolve("hf:tiny/llm");
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->main, models() + "/hf/tiny/llm/main/model.gguf");
  EXPECT_EQ(shelf.resolve("hf:tiny/llm:model.gguf")->main, found->main);
  const HubShelf hub(models());
  ASSERT_EQ(hub.all().size(), 1u);
  EXPECT_TRUE(hub.installed(hub.all()[0]));
  PullOptions offline;
  offline.network = Network::kOffline;
  const size_t before = requests().size();
  EXPECT_TRUE(run("hf:tiny/llm", offline));
  expect_error(run("hf:tiny/llm:other.gguf", offline), ErrorCode::kModelMissing, "--offline");
  EXPECT_EQ(requests().size(), before) << "offline means offline";
  ASSERT_TRUE(hub.remove(*parse_hub_name("hf:tiny/llm")));
  EXPECT_EQ(hub.all().size(), 0u);
  EXPECT_FALSE(fs::exists(models() + "/hf/tiny"));
  EXPECT_FALSE(hub.remove(*parse_hub_name("hf:tiny/llm")));
}

TEST_F(HubTest, TwoPullsAtOnceFetchOnce) {
  ::setenv("HF_ENDPOINT", access.endpoint.c_str(), 1);
  const Shelf shelf(models(), built_in_catalogue());
  const std::vector<std::string> names = {"hf:tiny/llm"};
  plan("slow");
  Status first;
  std::thread other([&] { first = pull(shelf, names, {}); });
  const Status second = pull(shelf, names, {});
  other.join();
  ::unsetenv("HF_ENDPOINT");
  EXPECT_TRUE(first);
  EXPECT_TRUE(second);
  EXPECT_EQ(content("model.gguf"), large);
  EXPECT_EQ(downloads().size(), 1u);
}

}  // namespace
}  // namespace tenwatt::store
