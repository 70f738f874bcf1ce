// safetensors: small files written here after the published layout, an index of two, and hostile
// ones. (Against real weights: tests/acceptance/engine/08-files.py.)
#include "files/safetensors.h"

#include <gtest/gtest.h>

#include "unit/files/support/hostile.h"

namespace tenwatt::files {
namespace {

using testing_files::ByteWriter;
using testing_files::TemporaryFolder;

std::string container(const std::string& table, const std::string& data) {
  return ByteWriter().number<uint64_t>(table.size()).raw(table).raw(data).content;
}

const std::string kTable = R"({"__metadata__":{"format":"pt"},)"
                           R"("b":{"dtype":"BF16","shape":[2],"data_offsets":[8,12]},)"
                           R"("a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}})";
const std::string kData("\0\0\x80\x3f\0\0\0\x40\x80\x3f\0\xc0", 12);  // 1, 2 and 1, -2

std::string refusal(const std::string& table, const std::string& data = kData) {
  const TemporaryFolder folder;
  const auto file = read_safetensors(folder.write("model.safetensors", container(table, data)));
  return file ? "accepted" : file.error().message;
}

testing::AssertionResult refused(const std::string& message, const std::string& words) {
  if (message.find(words) != std::string::npos) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "\"" << message << "\" doesn't say \"" << words << "\"";
}

TEST(Safetensors, ReadsTensors) {
  const TemporaryFolder folder;
  const auto file =
      read_safetensors(folder.write("model.safetensors", container(kTable, kData))).value();
  ASSERT_EQ(file.tensors().size(), 2u);
  const Tensor a = file.tensor("a").value();
  EXPECT_EQ(a.shape(), (Shape{1, 2}));
  EXPECT_EQ(a.to_f32().value().values<float>()[1], 2);
  const Tensor b = file.tensor("b").value();
  EXPECT_EQ(b.format(), Format::kBF16);
  EXPECT_EQ(b.to_f32().value().values<float>()[1], -2);
  EXPECT_EQ(file.tensor("c").error().code, ErrorCode::kNotFound);
}

TEST(Safetensors, RefusesWhatIsNoTable) {
  const TemporaryFolder folder;
  for (const uint64_t announced : {uint64_t{5}, uint64_t{1} << 40, UINT64_MAX}) {
    ByteWriter to;
    to.number(announced).raw("{}");
    const auto file = read_safetensors(folder.write("model.safetensors", to.content));
    EXPECT_TRUE(refused(file.error().message, "a table of " + std::to_string(announced)));
  }
  EXPECT_TRUE(refused(refusal("{"), "not valid JSON"));
  EXPECT_TRUE(refused(refusal("[1]"), "not an object"));
  EXPECT_TRUE(refused(refusal(std::string(100000, '[')), "nests values deeper"));
}

TEST(Safetensors, RefusesTensorsThatDontFit) {
  const auto row = [](const std::string& type, const std::string& shape, const std::string& range) {
    return R"({"w":{"dtype":")" + type + R"(","shape":)" + shape + R"(,"data_offsets":)" + range +
           "}}";
  };
  EXPECT_TRUE(refused(refusal(row("F32", "[4]", "[0,16]")), "w: its bytes lie outside the 12"));
  EXPECT_TRUE(refused(refusal(row("F32", "[1]", "[8,4]")), "its bytes lie outside"));
  EXPECT_TRUE(refused(refusal(row("F32", "[1]", "[-4,0]")), "its bytes lie outside"));
  EXPECT_TRUE(refused(refusal(row("F32", "[1]", "[0]")), "its bytes lie outside"));
  EXPECT_TRUE(refused(refusal(row("F32", "[2]", "[0,4]")), "4 bytes for the shape [2] of F32"));
  EXPECT_TRUE(refused(refusal(row("F32", "[-1]", "[0,4]")), "w"));
  EXPECT_TRUE(refused(refusal(row("F32", "[4294967296,4294967296]", "[0,4]")), "w"));
  EXPECT_TRUE(refused(refusal(row("F4", "[1]", "[0,4]")), "unknown number format F4"));
  EXPECT_TRUE(refused(refusal(row("F32", "[18446744073709551615]", "[0,4]")), "64 bits"));
}

TEST(Safetensors, RefusesOverlap) {
  EXPECT_TRUE(refused(refusal(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
                              R"("b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})"),
                      "the tensors a and b overlap"));
}

class SafetensorsIndex : public testing::Test {
 protected:
  void SetUp() override {
    folder_.write("one.safetensors",
                  container(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", kData));
    folder_.write("two.safetensors",
                  container(R"({"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", kData));
  }
  Result<Safetensors> read(const std::string& map) {
    return read_safetensors(
        folder_.write("model.safetensors.index.json", R"({"weight_map":)" + map + "}"));
  }
  TemporaryFolder folder_;
};

TEST_F(SafetensorsIndex, OpensAllFiles) {
  const auto file = read(R"({"a":"one.safetensors","b":"two.safetensors"})").value();
  EXPECT_EQ(file.tensor("a").value().values<float>()[0], 1);
  EXPECT_EQ(file.tensor("b").value().values<float>()[0], 2);
  EXPECT_EQ(safetensors_files(folder_.path("model.safetensors.index.json")).value().size(), 3u);
}

TEST_F(SafetensorsIndex, NamesWhatIsMissing) {
  const auto gone = read(R"({"a":"one.safetensors","b":"three.safetensors"})");
  EXPECT_EQ(gone.error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(refused(gone.error().message, "three.safetensors"));
  EXPECT_TRUE(refused(gone.error().remedy, "2 files"));
  const auto elsewhere = read(R"({"a":"one.safetensors","b":"one.safetensors"})");
  EXPECT_TRUE(refused(elsewhere.error().message, "tensor b is not in one.safetensors"));
}

TEST_F(SafetensorsIndex, StaysInItsFolder) {
  for (const char* name : {"../two.safetensors", "/etc/two.safetensors", "sub/two.safetensors",
                           "two.bin", "", "two.safetensors\\u0000.safetensors"}) {
    const auto file = read(R"({"a":")" + std::string(name) + R"("})");
    EXPECT_TRUE(refused(file.error().message, "in the model's folder")) << name;
  }
}

}  // namespace
}  // namespace tenwatt::files
