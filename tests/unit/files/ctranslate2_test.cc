// CTranslate2: small files written here, hostile ones, and real Whisper models.
#include "files/ctranslate2.h"

#include <gtest/gtest.h>

#include "unit/files/support/hostile.h"

namespace tenwatt::files {
namespace {

using testing_files::ByteWriter;
using testing_files::TemporaryFolder;

ByteWriter& string(ByteWriter& to, const std::string& text) {
  return to.number<uint16_t>(text.size() + 1).raw(text).number(char{0});
}

struct Variable {
  std::string name;
  std::vector<uint32_t> extents;
  uint8_t type;
  std::string bytes;
};

std::string model(const std::vector<Variable>& variables,
                  const std::vector<std::pair<std::string, std::string>>& aliases,
                  uint32_t version = 6) {
  ByteWriter to;
  string(to.number(version), "WhisperSpec").number(uint32_t{3});
  to.number<uint32_t>(variables.size());
  for (const Variable& variable : variables) {
    string(to, variable.name).number<uint8_t>(variable.extents.size());
    for (const uint32_t extent : variable.extents) to.number(extent);
    to.number(variable.type).number<uint32_t>(variable.bytes.size()).raw(variable.bytes);
  }
  to.number<uint32_t>(aliases.size());
  for (const auto& [alias, target] : aliases) string(string(to, alias), target);
  return to.content;
}

std::string small_model() {
  return model({{"decoder/w", {2, 2}, 1, std::string("\1\2\3\4", 4)},
                {"decoder/w_scale", {2}, 0, std::string(8, '\0')},
                {"encoder/half", {3}, 4, std::string("\0\x3c\0\x40\0\x42", 6)},
                {"encoder/num_heads", {}, 2, std::string("\6\0", 2)}},
               {{"decoder/projection", "decoder/w"}});
}

Result<Ctranslate2File> read(const std::string& content) {
  const TemporaryFolder folder;
  return read_ctranslate2(folder.write("model.bin", content));
}

TEST(Ctranslate2, ReadsVariablesOfAnyAlignment) {
  const Ctranslate2File file = read(small_model()).value();
  EXPECT_EQ(file.spec(), "WhisperSpec");
  EXPECT_EQ(file.revision(), 3u);
  EXPECT_EQ(file.variables().size(), 4u);
  const Tensor half = file.tensor("encoder/half").value();
  EXPECT_EQ(half.format(), Format::kF16);
  EXPECT_EQ(half.to_f32().value().values<float>()[2], 3);
  EXPECT_EQ(file.integer("encoder/num_heads"), 6);
  EXPECT_FALSE(file.integer("encoder/half"));
  EXPECT_EQ(file.tensor("nothing").error().code, ErrorCode::kNotFound);
}

TEST(Ctranslate2, AliasesStandForTheWeightAndItsScale) {
  const Ctranslate2File file = read(small_model()).value();
  EXPECT_EQ(file.find("decoder/projection"), file.find("decoder/w"));
  EXPECT_EQ(file.find("decoder/projection_scale"), file.find("decoder/w_scale"));
}

TEST(Ctranslate2, RefusesWhatDoesNotFit) {
  EXPECT_EQ(read(model({}, {}, 5)).error().code, ErrorCode::kUnsupported);
  EXPECT_FALSE(read(model({{"w", {2}, 0, "1234"}}, {}))) << "too few bytes";
  EXPECT_FALSE(read(model({{"w", {1}, 9, "1234"}}, {}))) << "an unknown format";
  EXPECT_FALSE(read(model({{"w", {1}, 1, "1"}, {"w", {1}, 1, "1"}}, {}))) << "a name twice";
  EXPECT_FALSE(read(model({}, {{"a", "b"}}))) << "an alias of nothing";
  EXPECT_FALSE(read(model({{"w", {0xffffffff, 0xffffffff, 0xffffffff}, 1, ""}}, {})));
}

TEST(Ctranslate2Config, ReadsItsLists) {
  const TemporaryFolder folder;
  const Ctranslate2Config config =
      read_ctranslate2_config(
          folder.write("config.json", R"({"suppress_ids": [1, 2], "alignment_heads": [[3, 1]]})"))
          .value();
  EXPECT_EQ(config.suppress_ids, (std::vector<int64_t>{1, 2}));
  EXPECT_TRUE(config.lang_ids.empty());
  EXPECT_EQ(config.alignment_heads.size(), 1u);
  for (const char* wrong : {R"({"suppress_ids": 1})", R"({"alignment_heads": [[1]]})", "{", ""}) {
    EXPECT_EQ(read_ctranslate2_config(folder.write("wrong", wrong)).error().code,
              ErrorCode::kCorrupt)
        << wrong;
  }
}

TEST(Ctranslate2, ReadsRealWhisperModels) {
  for (const std::string name : {"whisper-tiny.en", "whisper-base"}) {
    const std::string folder = testing_files::model_path(name);
    TENWATT_NEED_FILE(folder);
    const Ctranslate2File file = read_ctranslate2(folder + "/model.bin").value();
    EXPECT_EQ(file.spec(), "WhisperSpec");
    EXPECT_EQ(file.integer("encoder/num_heads"), name == "whisper-base" ? 8 : 6);
    EXPECT_EQ(file.find("decoder/projection/weight"), file.find("decoder/embeddings/weight"));
    const Tensor conv = file.tensor("encoder/conv1/weight").value();
    EXPECT_EQ(conv.format(), Format::kF16);
    EXPECT_EQ(conv.shape(), (Shape{name == "whisper-base" ? 512 : 384, 80, 3}));
    const Ctranslate2Config config = read_ctranslate2_config(folder + "/config.json").value();
    EXPECT_EQ(config.alignment_heads.size(), 8u);
    EXPECT_FALSE(config.suppress_ids.empty());
  }
}

}  // namespace
}  // namespace tenwatt::files
