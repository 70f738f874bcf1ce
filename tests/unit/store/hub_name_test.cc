// The grammar of hub names, and which files of a repository make up a model.
#include "store/hub_name.h"

#include <gtest/gtest.h>

#include "store/hub_listing.h"

namespace tenwatt::store {
namespace {

TEST(HubName, ReadsEveryPart) {
  const auto name = parse_hub_name("hf:owner/some-model_1.5@refs/pr/1:sub/file.gguf");
  ASSERT_TRUE(name);
  EXPECT_EQ(name->owner, "owner");
  EXPECT_EQ(name->name, "some-model_1.5");
  EXPECT_EQ(name->revision, "refs/pr/1");
  EXPECT_EQ(name->file, "sub/file.gguf");
  EXPECT_EQ(name->folder(), "hf/owner/some-model_1.5/refs+pr+1");
  EXPECT_EQ(name->text(), "hf:owner/some-model_1.5@refs/pr/1:sub/file.gguf");
  EXPECT_EQ(parse_hub_name("hf:a/b")->text(), "hf:a/b");
}

TEST(HubName, RefusesWhatCouldLeaveItsFolder) {
  for (const char* text : {"hf:",
                           "hf:a",
                           "hf:a/",
                           "hf:/b",
                           "hf:a/b/c",
                           "hf:../b",
                           "hf:a/..",
                           "hf:a/.hidden",
                           "hf:a/b@",
                           "hf:a/b@..",
                           "hf:a/b@x/../y",
                           "hf:a/b:",
                           "hf:a/b:../c",
                           "hf:a/b:/c",
                           "hf:a/b:c//d",
                           "hf:a/b:c/./d",
                           "hf:a/b:.model.json",
                           "hf:a/b:c.part",
                           "hf:a/b:c\\d",
                           "hf:a b/c",
                           "hf:a/b:c\nd"}) {
    EXPECT_FALSE(parse_hub_name(text)) << text;
  }
}

HubListing listing_of(const std::vector<std::string>& paths) {
  HubListing listing;
  for (const std::string& path : paths) listing.files.push_back({path, 1'000'000, "git:"});
  return listing;
}

// The chosen paths in one line, or "error CODE".
std::string chosen(const std::vector<std::string>& paths, const std::string& name) {
  const auto files = choose_hub_files(listing_of(paths), *parse_hub_name(name));
  if (!files) return "error: " + files.error().message;
  std::string text;
  for (const HubFile& file : *files) text += (text.empty() ? "" : " ") + file.path;
  return text;
}

TEST(HubChoice, TakesTheOnlyGguf) {
  EXPECT_EQ(chosen({"README.md", "m.gguf", "config.json", "mmproj-m.gguf"}, "hf:a/b"), "m.gguf");
}

TEST(HubChoice, ASplitFileIsOneModel) {
  EXPECT_EQ(chosen({"m-00002-of-00002.gguf", "m-00001-of-00002.gguf"}, "hf:a/b"),
            "m-00001-of-00002.gguf m-00002-of-00002.gguf");
  EXPECT_EQ(chosen({"m-00001-of-00002.gguf", "m-00002-of-00002.gguf", "n.gguf"},
                   "hf:a/b:m-00001-of-00002.gguf"),
            "m-00001-of-00002.gguf m-00002-of-00002.gguf");
}

TEST(HubChoice, SeveralModelsAreListedWithSizes) {
  const std::string message = chosen({"m-Q4_0.gguf", "m-Q8_0.gguf"}, "hf:a/b");
  EXPECT_TRUE(message.contains("error: hf:a/b has several models")) << message;
  EXPECT_TRUE(message.contains("1.0 MB  m-Q8_0.gguf")) << message;
  EXPECT_EQ(chosen({"m-Q4_0.gguf", "m-Q8_0.gguf"}, "hf:a/b:q8_0"), "m-Q8_0.gguf");
}

TEST(HubChoice, SafetensorsComeWithConfigurationAndTokenizer) {
  EXPECT_EQ(
      chosen({"README.md", "config.json", "model.safetensors", "tokenizer.json", "flax.msgpack"},
             "hf:a/b"),
      "model.safetensors config.json tokenizer.json");
  EXPECT_EQ(chosen({"config.json", "model-00001-of-00002.safetensors",
                    "model-00002-of-00002.safetensors", "model.safetensors.index.json"},
                   "hf:a/b"),
            "model.safetensors.index.json config.json model-00001-of-00002.safetensors "
            "model-00002-of-00002.safetensors");
}

TEST(HubChoice, OtherModels) {
  EXPECT_EQ(chosen({"model.bin", "config.json", "vocabulary.txt", "tokenizer.json"}, "hf:a/b"),
            "model.bin config.json vocabulary.txt tokenizer.json");
  EXPECT_EQ(chosen({"v.onnx", "v.onnx.json", "v.onnx_data", "x"}, "hf:a/b"),
            "v.onnx v.onnx.json v.onnx_data");
  EXPECT_TRUE(chosen({"a.bin", "b.bin"}, "hf:a/b").contains("several files"));
  EXPECT_TRUE(chosen({"x"}, "hf:a/b").contains("no model file"));
}

}  // namespace
}  // namespace tenwatt::store
