// What `show` says of models at paths: of each kind, by what its own files say.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "tenwatt/store.h"
#include "unit/files/support/hostile.h"

namespace tenwatt {
namespace {

using material::TemporaryFolder;
using testing_files::ByteWriter;

const std::string kFamilies = TENWATT_SOURCE_DIR "/tests/reference/data/families/";

std::vector<std::string> file_names(const ModelInfo& model) {
  std::vector<std::string> names;
  for (const ModelFileInfo& file : model.files) {
    EXPECT_TRUE(file.installed);
    EXPECT_EQ(file.bytes, std::filesystem::file_size(file.path));
    names.push_back(std::filesystem::path(file.path).filename().string());
  }
  std::ranges::sort(names);
  return names;
}

TEST(ShowModel, AGgufFileIsALanguageModelOfItsFamily) {
  const auto model = show_model(kFamilies + "qwen2.gguf");
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_EQ(model->name, "qwen2.gguf");
  EXPECT_EQ(model->kind, "language");
  EXPECT_TRUE(model->description.starts_with("qwen2, ")) << model->description;
  EXPECT_EQ(model->bytes, std::filesystem::file_size(kFamilies + "qwen2.gguf"));
  EXPECT_EQ(file_names(*model), std::vector<std::string>{"qwen2.gguf"});
}

TEST(ShowModel, AHubsFolderListsWeightsConfigAndTokenizer) {
  const TemporaryFolder folder;
  const std::string table =
      R"({"model.embed_tokens.weight":{"dtype":"F32","shape":[6,64],"data_offsets":[0,1536]}})";
  folder.write(
      "model.safetensors",
      ByteWriter().number<uint64_t>(table.size()).raw(table).raw(std::string(1536, '\0')).content);
  folder.write("config.json", R"({"model_type":"llama","num_hidden_layers":3,"hidden_size":64,
    "intermediate_size":96,"num_attention_heads":2,"num_key_value_heads":1,"head_dim":8,
    "max_position_embeddings":128,"rms_norm_eps":1e-5,"rope_theta":10000.0,"vocab_size":6})");
  folder.write("tokenizer.json", "{}");
  folder.write("README.md", "not the model's");
  const std::string name = std::filesystem::path(folder.path()).filename().string();
  for (const std::string& path : {folder.path(), folder.path() + "/"}) {
    const auto model = show_model(path);
    ASSERT_TRUE(model) << model.error().message;
    EXPECT_EQ(model->name, name);
    EXPECT_EQ(model->kind, "language");
    EXPECT_EQ(model->description,
              "llama, 3 layers of width 64, a vocabulary of 6, a context of 128 tokens");
    EXPECT_EQ(file_names(*model),
              (std::vector<std::string>{"config.json", "model.safetensors", "tokenizer.json"}));
  }
  folder.write("model.safetensors.index.json",
               R"({"weight_map":{"model.embed_tokens.weight":"model.safetensors"}})");
  const auto indexed = show_model(folder.path());
  ASSERT_TRUE(indexed) << indexed.error().message;
  EXPECT_EQ(file_names(*indexed),
            (std::vector<std::string>{"config.json", "model.safetensors",
                                      "model.safetensors.index.json", "tokenizer.json"}));
}

TEST(ShowModel, AVoiceIsTwoFiles) {
  const TemporaryFolder folder;
  folder.write("bob.onnx.json", R"({"audio":{"sample_rate":16000,"quality":"low"},
    "espeak":{"voice":"de"},"language":{"code":"de_DE"},"num_symbols":130,"num_speakers":2,
    "speaker_id_map":{"anna":0,"bob":1},"phoneme_id_map":{"_":[0],"^":[1],"$":[2]}})");
  folder.write("bob.onnx", "graph");
  const auto model = show_model(folder.path("bob.onnx"));
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_EQ(model->kind, "voice");
  EXPECT_EQ(model->description, "piper, de_DE, low, 16000 Hz, 2 speakers");
  EXPECT_EQ(file_names(*model), (std::vector<std::string>{"bob.onnx", "bob.onnx.json"}));
}

TEST(ShowModel, AFolderOfCtranslate2IsARecogniser) {
  const std::string path = material::model_if_present("whisper-tiny.en");
  if (path.empty()) GTEST_SKIP() << "set TENWATT_TEST_MODELS to the folder of the models";
  const auto model = show_model(path);
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_EQ(model->name, "whisper-tiny.en");
  EXPECT_EQ(model->kind, "recognizer");
  EXPECT_EQ(model->description, "whisper, 4 + 4 layers of width 384, a vocabulary of 51864");
  EXPECT_EQ(file_names(*model), (std::vector<std::string>{"config.json", "model.bin",
                                                          "tokenizer.json", "vocabulary.txt"}));
}

TEST(ShowModel, AnyOtherOnnxFileIsANetwork) {
  const std::string path = material::model_if_present("silero_vad.onnx");
  if (path.empty()) GTEST_SKIP() << "set TENWATT_TEST_MODELS to the folder of the models";
  const auto model = show_model(path);
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_EQ(model->kind, "network");
  EXPECT_TRUE(model->description.ends_with("from input, state, sr to output, stateN"))
      << model->description;
}

TEST(ShowModel, WhatIsNoModelIsAnErrorWithARemedy) {
  const TemporaryFolder folder;
  folder.write("model.gguf", "GGUFnothing");
  for (const std::string& path : {folder.path("model.gguf"), folder.path(), folder.path("gone")}) {
    const auto model = show_model(path);
    ASSERT_FALSE(model) << path;
    EXPECT_FALSE(model.error().remedy.empty()) << model.error().message;
  }
}

}  // namespace
}  // namespace tenwatt
