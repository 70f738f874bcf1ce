// GGUF: small files written here, every rule that a hostile file could break, and a real model.
#include "files/gguf.h"

#include <gtest/gtest.h>

#include "unit/files/support/hostile.h"

namespace tenwatt::files {
namespace {

using testing_files::ByteWriter;
using testing_files::TemporaryFolder;

/// Writes GGUF files, right ones and wrong ones.
class GgufWriter {
 public:
  uint32_t version = 3;
  uint64_t alignment = 32;

  ByteWriter& key(const std::string& name, int32_t type) {
    ++pairs_;
    return string(head_, name).number(type);
  }
  ByteWriter& array(const std::string& name, int32_t element, uint64_t count) {
    return key(name, 9).number(element).number(count);
  }
  static ByteWriter& string(ByteWriter& to, const std::string& text) {
    return to.number<uint64_t>(text.size()).raw(text);
  }
  void text(const std::string& name, const std::string& value) { string(key(name, 8), value); }
  void u32(const std::string& name, uint32_t value) { key(name, 4).number(value); }
  void texts(const std::string& name, const std::vector<std::string>& all) {
    ByteWriter& to = array(name, 8, all.size());
    for (const std::string& one : all) string(to, one);
  }
  /// `extents` fastest first, as the file has them.
  void row(const std::string& name, const std::vector<int64_t>& extents, int32_t type,
           uint64_t offset) {
    ++rows_count_;
    string(rows_, name).number(static_cast<uint32_t>(extents.size()));
    for (const int64_t extent : extents) rows_.number(extent);
    rows_.number(type).number(offset);
  }
  void tensor(const std::string& name, const std::vector<int64_t>& extents, int32_t type,
              const std::string& bytes) {
    data_.pad_to(alignment);
    row(name, extents, type, data_.content.size());
    data_.raw(bytes);
  }
  void skip(size_t bytes) { data_.raw(std::string(bytes, '\0')); }
  std::string content() const {
    ByteWriter all;
    all.raw("GGUF").number(version).number(rows_count_).number(pairs_);
    all.raw(head_.content).raw(rows_.content).pad_to(alignment).raw(data_.content);
    return all.content;
  }
  Result<GgufFile> read() const {
    const TemporaryFolder folder;
    return read_gguf(folder.write("model.gguf", content()));
  }
  /// The message of the failure, empty if there is none.
  std::string failure() const {
    const Result<GgufFile> file = read();
    return file ? "" : file.error().message;
  }

 private:
  ByteWriter head_, rows_, data_;
  uint64_t pairs_ = 0;
  uint64_t rows_count_ = 0;
};

std::string floats(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

GgufWriter small_model() {
  GgufWriter file;
  file.text("general.architecture", "llama");
  file.u32("llama.block_count", 2);
  file.key("llama.rope.freq_base", 6).number(10000.5f);
  file.key("llama.scale", 12).number(0.25);
  file.key("llama.signed", 5).number(int32_t{-7});
  file.key("llama.wide", 10).number(uint64_t{1} << 40);
  file.key("llama.tied", 7).number(uint8_t{1});
  file.array("llama.head_count_kv", 4, 2).number(uint32_t{3}).number(uint32_t{0});
  file.array("llama.pattern", 7, 3).raw(std::string("\1\0\1", 3));
  file.texts("tokenizer.ggml.tokens", {"a", "", "ccc"});
  file.array("tokenizer.ggml.scores", 6, 3).raw(floats({0, -1, -2.5f}));
  file.u32("tokenizer.ggml.eos_token_id", 2);
  file.tensor("token_embd.weight", {2, 3}, 0, floats({1, 2, 3, 4, 5, 6}));
  file.tensor("packed.weight", {32, 2}, 2, std::string(36, '\x11'));
  file.tensor("later.weight", {256, 1}, 16, std::string(66, '\x22'));
  file.tensor("one", {}, 0, floats({9}));
  return file;
}

TEST(Gguf, MetadataConvertsBetweenWidths) {
  const GgufFile file = small_model().read().value();
  EXPECT_EQ(file.version(), 3u);
  EXPECT_EQ(file.text("general.architecture"), "llama");
  EXPECT_EQ(file.integer("llama.block_count"), 2);
  EXPECT_EQ(file.integer("llama.signed"), -7);
  EXPECT_EQ(file.integer("llama.wide"), int64_t{1} << 40);
  EXPECT_EQ(file.real("llama.rope.freq_base"), 10000.5);
  EXPECT_EQ(file.real("llama.scale"), 0.25);
  EXPECT_EQ(file.flag("llama.tied", false), true);
  EXPECT_EQ(file.integers("llama.head_count_kv"), (std::vector<int64_t>{3, 0}));
  EXPECT_EQ(file.integers("llama.block_count"), std::vector<int64_t>{2}) << "a scalar is a list";
  EXPECT_EQ(file.integers("llama.pattern"), (std::vector<int64_t>{1, 0, 1}));
  EXPECT_EQ(file.texts("tokenizer.ggml.tokens"), (std::vector<std::string_view>{"a", "", "ccc"}));
  EXPECT_EQ(file.reals("tokenizer.ggml.scores"), (std::vector<float>{0, -1, -2.5f}));
}

TEST(Gguf, MissingKeysFallBackAndWrongKindsAreErrors) {
  const GgufFile file = small_model().read().value();
  EXPECT_EQ(file.integer("nothing", 5), 5);
  EXPECT_EQ(file.integer("nothing").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(file.text("nothing", "x"), "x");
  EXPECT_EQ(file.integer("general.architecture", 5).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(file.real("llama.block_count", 1).error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(file.text("tokenizer.ggml.tokens").error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(file.integer("llama.head_count_kv").error().code, ErrorCode::kCorrupt);
  EXPECT_EQ(file.flag("llama.block_count", false).error().code, ErrorCode::kCorrupt);
}

TEST(Gguf, TensorsStandInTheMappingOutermostAxisFirst) {
  std::optional<Tensor> kept;
  {
    const GgufFile file = small_model().read().value();
    kept = file.tensor("token_embd.weight").value();
    EXPECT_EQ(file.tensor("packed.weight").value().shape(), (Shape{2, 32}));
    EXPECT_EQ(file.tensor("packed.weight").value().format(), Format::kQ4_0);
    EXPECT_EQ(file.tensor("one").value().rank(), 0);
    EXPECT_EQ(kept->owner().get(), file.mapping().get());
  }
  EXPECT_EQ(kept->shape(), (Shape{3, 2}));
  EXPECT_EQ(kept->values<float>()[5], 6) << "the mapping outlives the file object";
}

TEST(Gguf, FormatsWithoutSupportAreListedAndRefusedByName) {
  const GgufFile file = small_model().read().value();
  EXPECT_EQ(file.tensors()[2].type, "IQ2_XXS");
  const Result<Tensor> tensor = file.tensor("later.weight");
  ASSERT_FALSE(tensor);
  EXPECT_EQ(tensor.error().code, ErrorCode::kUnsupported);
  EXPECT_NE(tensor.error().message.find("IQ2_XXS"), std::string::npos);
  EXPECT_NE(tensor.error().message.find("later.weight"), std::string::npos);
  EXPECT_EQ(file.tensor("absent").error().code, ErrorCode::kNotFound);
}

TEST(GgufRules, VersionsAndByteOrder) {
  GgufWriter file;
  file.version = 2;
  EXPECT_TRUE(file.read());
  for (const uint32_t version : {1u, 4u, 0x03000000u}) {
    file.version = version;
    EXPECT_EQ(file.read().error().code, ErrorCode::kUnsupported) << version;
  }
}

TEST(GgufRules, KeysAndNamesAreUniqueAndNotEmpty) {
  GgufWriter twice;
  twice.u32("a", 1);
  twice.u32("a", 1);
  EXPECT_NE(twice.failure().find("twice"), std::string::npos);
  GgufWriter empty;
  empty.u32("", 1);
  EXPECT_NE(empty.failure().find("without a key"), std::string::npos);
  GgufWriter tensors;
  tensors.tensor("t", {1}, 0, floats({1}));
  tensors.tensor("t", {1}, 0, floats({1}));
  EXPECT_NE(tensors.failure().find("twice"), std::string::npos);
  GgufWriter long_name;
  long_name.tensor(std::string(64, 'n'), {1}, 0, floats({1}));
  EXPECT_NE(long_name.failure().find("64 bytes"), std::string::npos);
}

TEST(GgufRules, CountsAreCheckedBeforeAnythingIsAllocated) {
  GgufWriter array;
  array.array("a", 0, uint64_t{1} << 40);
  EXPECT_NE(array.failure().find("array of"), std::string::npos);
  GgufWriter strings;
  strings.array("a", 8, uint64_t{1} << 29);
  EXPECT_NE(strings.failure().find("array of"), std::string::npos);
  GgufWriter text;
  text.key("a", 8).number(uint64_t{1} << 31);
  EXPECT_NE(text.failure().find("a string of"), std::string::npos);
  GgufWriter nested;
  nested.array("a", 9, 1).number(uint64_t{0});
  EXPECT_NE(nested.failure().find("value type 9"), std::string::npos);
  const TemporaryFolder folder;
  ByteWriter counts;
  counts.raw("GGUF").number(uint32_t{3}).number(int64_t{-1}).number(int64_t{0});
  EXPECT_FALSE(read_gguf(folder.write("counts", counts.content)));
}

TEST(GgufRules, TensorRowsMustMakeSense) {
  const auto failure = [](const std::vector<int64_t>& extents, int32_t type, uint64_t offset) {
    GgufWriter file;
    file.row("t", extents, type, offset);
    return file.failure();
  };
  EXPECT_NE(failure({1, 1, 1, 1, 1}, 0, 0).find("5 dimensions"), std::string::npos);
  EXPECT_NE(failure({-1}, 0, 0).find("negative"), std::string::npos);
  EXPECT_NE(failure({int64_t{1} << 40, int64_t{1} << 40}, 0, 0).find("overflow"),
            std::string::npos);
  EXPECT_NE(failure({33}, 2, 0).find("whole blocks"), std::string::npos);
  EXPECT_NE(failure({32}, 4, 0).find("format 4"), std::string::npos) << "a removed type";
  EXPECT_NE(failure({1}, 0, 0).find("outside"), std::string::npos);
  EXPECT_NE(failure({1}, 0, UINT64_MAX - 31).find("outside"), std::string::npos);
}

TEST(GgufRules, DataIsAlignedAndDisjoint) {
  GgufWriter overlap;
  overlap.tensor("a", {16}, 0, std::string(64, '\0'));
  overlap.row("b", {16}, 0, 0);
  EXPECT_NE(overlap.failure().find("overlap"), std::string::npos);
  GgufWriter unaligned;
  unaligned.tensor("a", {16}, 0, std::string(80, '\0'));
  unaligned.row("b", {1}, 0, 68);
  EXPECT_NE(unaligned.failure().find("aligned"), std::string::npos);
  GgufWriter gap;  // any aligned, disjoint places are good
  gap.tensor("a", {1}, 0, floats({1}));
  gap.skip(100);
  gap.tensor("b", {1}, 0, floats({2}));
  EXPECT_EQ(gap.read().value().tensor("b").value().values<float>()[0], 2);
  for (const uint32_t alignment : {0u, 4u, 48u}) {
    GgufWriter file;
    file.u32("general.alignment", alignment);
    EXPECT_NE(file.failure().find("general.alignment"), std::string::npos) << alignment;
  }
  GgufWriter wide;
  wide.alignment = 256;
  wide.u32("general.alignment", 256);
  wide.tensor("a", {1}, 0, floats({1}));
  wide.tensor("b", {1}, 0, floats({2}));
  EXPECT_EQ(wide.read().value().tensor("b").value().values<float>()[0], 2);
}

TEST(GgufRules, SizesOfTheModelAreBounded) {
  const auto failure = [](const std::string& key, uint32_t value) {
    GgufWriter file;
    file.text("general.architecture", "x");
    file.u32(key, value);
    return file.failure();
  };
  EXPECT_NE(failure("x.block_count", 0).find("x.block_count"), std::string::npos);
  EXPECT_NE(failure("x.block_count", 513).find("x.block_count"), std::string::npos);
  EXPECT_EQ(failure("x.block_count", 512), "");
  EXPECT_NE(failure("x.expert_count", 1025).find("x.expert_count"), std::string::npos);
  EXPECT_NE(failure("x.expert_used_count", 1).find("x.expert_used_count"), std::string::npos);
  EXPECT_NE(failure("split.count", 2).find("its name does not say so"), std::string::npos);
}

TEST(GgufRules, TheVocabularyFitsItsTables) {
  const auto with = [](auto add) {
    GgufWriter file;
    file.texts("tokenizer.ggml.tokens", {"a", "b", "c"});
    add(file);
    return file.failure();
  };
  EXPECT_NE(with([](GgufWriter& file) {
              file.array("tokenizer.ggml.scores", 6, 2).raw(floats({1, 2}));
            }).find("fewer"),
            std::string::npos);
  EXPECT_NE(with([](GgufWriter& file) {
              file.u32("tokenizer.ggml.bos_token_id", 3);
            }).find("bos_token_id"),
            std::string::npos);
  EXPECT_EQ(with([](GgufWriter& file) { file.u32("tokenizer.ggml.bos_token_id", 0xffffffff); }),
            "");
  EXPECT_NE(with([](GgufWriter& file) {
              file.tensor("token_embd.weight", {1, 2}, 0, floats({1, 2}));
            }).find("2 rows"),
            std::string::npos);
}

TEST(Gguf, ReadsARealModel) {
  const std::string path = testing_files::model_path("SmolLM2-135M-Instruct.Q4_1.gguf");
  TENWATT_NEED_FILE(path);
  const GgufFile file = read_gguf(path).value();
  EXPECT_EQ(file.text("general.architecture"), "llama");
  EXPECT_EQ(file.integer("llama.block_count"), 30);
  EXPECT_EQ(file.texts("tokenizer.ggml.tokens")->size(), 49152u);
  EXPECT_EQ(file.tensors().size(), 272u);
  const Tensor query = file.tensor("blk.0.attn_q.weight").value();
  EXPECT_EQ(query.format(), Format::kQ4_1);
  EXPECT_EQ(query.shape(), (Shape{576, 576}));
}

/// A model in parts, with the keys that llama.cpp gives them.
class GgufSplitModel : public testing::Test {
 protected:
  static GgufWriter part(uint16_t number, uint16_t count = 3, int32_t tensors = 3) {
    GgufWriter file;
    file.key("split.no", 2).number(number);
    file.key("split.count", 2).number(count);
    file.key("split.tensors.count", 5).number(tensors);
    if (number == 0) file.text("general.architecture", "llama");
    const auto first = static_cast<float>(number);
    file.tensor("part." + std::to_string(number), {2}, 0, floats({first, first + 0.5F}));
    return file;
  }
  static std::string name(int number) {
    return "model-0000" + std::to_string(number + 1) + "-of-00003.gguf";
  }
  std::string write(int number, const GgufWriter& part) {
    return folder_.write(name(number), part.content());
  }
  void write_all() {
    for (int number = 0; number < 3; ++number) write(number, part(static_cast<uint16_t>(number)));
  }
  Error error() { return read_gguf(folder_.path(name(0))).error(); }

  TemporaryFolder folder_;
};

TEST_F(GgufSplitModel, AnyPartOpensAll) {
  write_all();
  for (int number = 0; number < 3; ++number) {
    const GgufFile file = read_gguf(folder_.path(name(number))).value();
    EXPECT_EQ(file.text("general.architecture"), "llama");
    ASSERT_EQ(file.tensors().size(), 3u);
    for (int place = 0; place < 3; ++place) {
      const Tensor tensor = file.tensor("part." + std::to_string(place)).value();
      EXPECT_EQ(tensor.values<float>()[1], static_cast<float>(place) + 0.5F);
    }
  }
  EXPECT_EQ(gguf_files(folder_.path(name(1))).size(), 3u);
  EXPECT_EQ(gguf_files("plain.gguf"), std::vector<std::string>{"plain.gguf"});
}

TEST_F(GgufSplitModel, TensorsOutliveTheFile) {
  write_all();
  const Tensor last = read_gguf(folder_.path(name(0))).value().tensor("part.2").value();
  EXPECT_EQ(last.values<float>()[0], 2);
}

TEST_F(GgufSplitModel, NamesThePartThatIsMissing) {
  write_all();
  std::filesystem::remove(folder_.path(name(1)));
  EXPECT_EQ(error().code, ErrorCode::kNotFound);
  EXPECT_NE(error().message.find("part 2 of 3"), std::string::npos);
  EXPECT_NE(error().message.find(name(1)), std::string::npos);
  EXPECT_FALSE(error().remedy.empty());
  EXPECT_EQ(gguf_files(folder_.path(name(0))).size(), 2u);
}

TEST_F(GgufSplitModel, RefusesPartsOfAnotherModel) {
  write_all();
  write(1, part(2));
  EXPECT_NE(error().message.find("part 3 of 3 where part 2 of 3 belongs"), std::string::npos);
  write(1, part(1, 4));
  EXPECT_NE(error().message.find("part 2 of 4 where part 2 of 3 belongs"), std::string::npos);
  GgufWriter same = part(1);
  same.tensor("part.0", {2}, 0, floats({1, 2}));
  write(1, same);
  EXPECT_NE(error().message.find("part.0 is in an earlier part"), std::string::npos);
  write(1, part(1));
  write(0, part(0, 3, 9));
  EXPECT_NE(error().message.find("3 tensors together, and 9 are announced"), std::string::npos);
}

TEST_F(GgufSplitModel, ARenamedPartSaysHowPartsAreNamed) {
  const std::string path = folder_.write("renamed.gguf", part(0).content());
  const Error error = read_gguf(path).error();
  EXPECT_NE(error.message.find("part 1 of 3"), std::string::npos);
  EXPECT_NE(error.remedy.find("-of-00003.gguf"), std::string::npos);
}

}  // namespace
}  // namespace tenwatt::files
