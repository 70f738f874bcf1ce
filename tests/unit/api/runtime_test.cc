// What can be asked of a runtime, and what it refuses with what there is.
#include "tenwatt/runtime.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "tenwatt/tenwatt.h"

namespace tenwatt {
namespace {

TEST(Runtime, KnowsItsDevicesTheCpuFirst) {
  const auto runtime = Runtime::create({.threads = 1});
  ASSERT_TRUE(runtime) << runtime.error().message;
  const std::vector<DeviceReport> devices = (*runtime)->devices();
  ASSERT_GE(devices.size(), 2U);
  EXPECT_EQ(devices.front().name, "cpu");
  EXPECT_FALSE(devices.front().emulator);
  EXPECT_EQ((*runtime)->threads(), 1);
}

TEST(Runtime, TakesEveryInstructionLevelThatIsListedAndTheFastestByItself) {
  const std::vector<std::string> levels = instruction_levels();
  ASSERT_FALSE(levels.empty());
  for (const std::string& level : levels) {
    const auto runtime = Runtime::create({.level = level, .threads = 1});
    ASSERT_TRUE(runtime) << runtime.error().message;
    EXPECT_EQ((*runtime)->level(), level);
  }
  EXPECT_EQ((*Runtime::create({.threads = 1}))->level(), levels.back());
}

TEST(Runtime, RefusesWhatThereIsNotAndNamesWhatThereIs) {
  const std::vector<std::pair<RuntimeOptions, std::string>> refused = {
      {{.device = "gpu"}, "simnpu"},    {{.place = {"nose=cpu"}}, "vocoder"},
      {{.precision = "half"}, "exact"}, {{.level = "mmx"}, instruction_levels().front()},
      {{.threads = 257}, "256"},        {{.threads = -1}, "256"},
  };
  for (const auto& [options, named] : refused) {
    const auto runtime = Runtime::create(options);
    ASSERT_FALSE(runtime) << named;
    EXPECT_EQ(runtime.error().code, ErrorCode::kInvalidArgument);
    EXPECT_NE(runtime.error().remedy.find(named), std::string::npos) << runtime.error().remedy;
  }
}

TEST(Runtime, AModelThatIsNotThereIsMissingForEveryKind) {
  const auto runtime = Runtime::create({.threads = 1});
  ASSERT_TRUE(runtime);
  const std::string path = "/no/such/folder/model.onnx";
  const auto expect_missing = [](const auto& opened) {
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, ErrorCode::kModelMissing) << opened.error().message;
    EXPECT_NE(opened.error().message.find("/no/such/folder"), std::string::npos)
        << opened.error().message;
  };
  expect_missing(Model::open(*runtime, path));
  expect_missing(Recognizer::open(*runtime, path));
  expect_missing(Voice::open(*runtime, path));
  expect_missing(VoiceActivity::open(*runtime, path));
  expect_missing(Network::open(*runtime, path));
  expect_missing(TextTokenizer::open(path));
  expect_missing(explain(*runtime, path));
}

TEST(Explain, SaysWhatAFileIsInsteadOfAModel) {
  // Cut after their beginnings: the reader that opens one names itself.
  const auto runtime = Runtime::create({.threads = 1}).value();
  const std::string folder = testing::TempDir() + "/explain_says_what_a_file_is";
  std::filesystem::create_directories(folder);
  const auto refusal = [&](const std::string& name, std::string_view bytes) {
    const std::string path = folder + "/" + name;
    std::ofstream(path, std::ios::binary) << bytes;
    const auto placements = explain(runtime, path);
    return placements ? std::string() : placements.error().message + placements.error().remedy;
  };
  EXPECT_TRUE(refusal("language.gguf", "GGUF").contains("the file ends at byte 4"));
  EXPECT_TRUE(refusal("ggml-tiny.bin", "lmgg").contains("the file ends at byte 4"));
  EXPECT_TRUE(refusal("model.bin", "none").contains("CTranslate2"));
  EXPECT_TRUE(refusal("graph.pb", "none").contains("ONNX"));
  EXPECT_TRUE(refusal("page.onnx", "<html>").contains("but a web page"));
  EXPECT_TRUE(refusal("config.json", R"({"model_type": "whisper"})").contains("JSON"));
  EXPECT_TRUE(refusal("model.safetensors", "none").contains("model.safetensors"));
}

TEST(Version, IsTheOneOfTheHeaders) {
  EXPECT_EQ(version(), std::to_string(TENWATT_VERSION_MAJOR) + "." +
                           std::to_string(TENWATT_VERSION_MINOR) + "." +
                           std::to_string(TENWATT_VERSION_PATCH));
  EXPECT_EQ(TENWATT_VERSION,
            TENWATT_VERSION_MAJOR * 10000 + TENWATT_VERSION_MINOR * 100 + TENWATT_VERSION_PATCH);
}

}  // namespace
}  // namespace tenwatt
