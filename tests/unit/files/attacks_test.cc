// Published attacks on readers of GGUF and ONNX, one test each, by the number they are known under.
// Each file says something that a reader may believe before it has checked it. (Those on
// whisper.cpp's files: whisper_cpp_test.cc.)
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>

#include "files/gguf.h"
#include "files/onnx.h"
#include "onnx_proto/onnx.pb.h"
#include "unit/files/support/hostile.h"

namespace tenwatt::files {
namespace {

using testing_files::ByteWriter;
using testing_files::TemporaryFolder;

constexpr uint64_t kHuge = uint64_t{1} << 62;
constexpr int32_t kString = 8, kArray = 9, kF32 = 0, kQ4K = 12;

/// A file's head with what it announces.
ByteWriter head(uint64_t tensors, uint64_t pairs) {
  ByteWriter to;
  to.raw("GGUF").number(uint32_t{3}).number(tensors).number(pairs);
  return to;
}

ByteWriter& text(ByteWriter& to, const std::string& value) {
  return to.number<uint64_t>(value.size()).raw(value);
}

/// One row of the tensor table and 64 bytes of data.
std::string one_tensor(uint32_t rank, const std::vector<int64_t>& extents, int32_t type,
                       uint64_t offset = 0) {
  ByteWriter to = head(1, 0);
  text(to, "w").number(rank);
  for (const int64_t extent : extents) to.number(extent);
  return to.number(type).number(offset).pad_to(32).raw(std::string(64, '\0')).content;
}

testing::AssertionResult refused(const std::string& content) {
  const TemporaryFolder folder;
  const auto file = read_gguf(folder.write("model.gguf", content));
  if (file) return testing::AssertionFailure() << "it was accepted";
  constexpr ErrorCode kRefusals[] = {ErrorCode::kCorrupt, ErrorCode::kUnsupported,
                                     ErrorCode::kOutOfRange, ErrorCode::kInvalidArgument};
  if (std::ranges::find(kRefusals, file.error().code) != std::end(kRefusals)) {
    return testing::AssertionSuccess();
  }
  return testing::AssertionFailure() << file.error().message;
}

TEST(GgufAttack, Cve2024_21802_MoreExtentsThanATensorHas) {
  EXPECT_TRUE(refused(one_tensor(5, {1, 1, 1, 1, 1}, kF32)));
  EXPECT_TRUE(refused(one_tensor(UINT32_MAX, {1}, kF32)));
}

TEST(GgufAttack, Cve2024_21825_ArrayWhoseCountTimesSizeWraps) {
  for (const int32_t element : {4, 6, kString, 10}) {
    for (const uint64_t count : {kHuge, UINT64_MAX, UINT64_MAX / 4 + 2}) {
      ByteWriter to = head(0, 1);
      text(to, "a").number(kArray).number(element).number(count).raw(std::string(64, '\1'));
      EXPECT_TRUE(refused(to.content)) << element << " " << count;
    }
  }
}

TEST(GgufAttack, Cve2024_21836_TensorCountTimesRowWraps) {
  for (const uint64_t count : {kHuge, UINT64_MAX, UINT64_MAX / 88 + 1}) {
    EXPECT_TRUE(refused(head(count, 0).raw(std::string(64, '\0')).content)) << count;
  }
}

TEST(GgufAttack, Cve2024_23496_StringWhoseLengthPlusOneWraps) {
  for (const uint64_t length : {UINT64_MAX, UINT64_MAX - 1, kHuge, uint64_t{1} << 32}) {
    ByteWriter key = head(0, 1);
    EXPECT_TRUE(refused(key.number(length).raw("abc").content)) << length;
    ByteWriter value = head(0, 1);
    text(value, "k").number(kString).number(length).raw("abc");
    EXPECT_TRUE(refused(value.content)) << length;
  }
}

TEST(GgufAttack, Cve2024_23605_PairCountTimesRowWraps) {
  for (const uint64_t count : {kHuge, UINT64_MAX, UINT64_MAX / 48 + 1}) {
    EXPECT_TRUE(refused(head(0, count).raw(std::string(64, '\0')).content)) << count;
  }
}

TEST(GgufAttack, Cve2024_32878_FailureHalfwayFreesOnlyWhatWasRead) {
  // The second of three pairs is broken: the third was never read.
  ByteWriter to = head(0, 3);
  text(text(to, "a").number(kString), "x");
  text(to, "b").number(kArray).number(kString).number(uint64_t{2});
  text(to, "one").number(kHuge);
  EXPECT_TRUE(refused(to.content));
}

TEST(GgufAttack, Cve2024_41130_TensorsWithoutData) {
  // A table and nothing behind it.
  ByteWriter to = head(1, 0);
  text(to, "w").number(uint32_t{1}).number(int64_t{16}).number(kF32).number(uint64_t{0});
  EXPECT_TRUE(refused(to.content));
  EXPECT_TRUE(refused(to.pad_to(32).content));
}

TEST(GgufAttack, Cve2025_49847_TokenLongerThanASignedLengthHolds) {
  for (const uint64_t length : {uint64_t{1} << 31, (uint64_t{1} << 32) + 4}) {
    ByteWriter to = head(0, 1);
    text(to, "tokenizer.ggml.tokens").number(kArray).number(kString).number(uint64_t{1});
    EXPECT_TRUE(refused(to.number(length).raw("abcd").content)) << length;
  }
}

TEST(GgufAttack, Cve2025_53630_OffsetsWhoseSumWraps) {
  for (const uint64_t offset : {UINT64_MAX, UINT64_MAX - 31, UINT64_MAX - 63, kHuge}) {
    EXPECT_TRUE(refused(one_tensor(1, {16}, kF32, offset))) << offset;
  }
}

TEST(GgufAttack, Cve2026_27940_SizesWhoseSumWraps) {
  // Each tensor alone is below 2^64 bytes; the sum is not.
  ByteWriter to = head(4, 0);
  for (int i = 0; i < 4; ++i) {
    text(to, "w" + std::to_string(i)).number(uint32_t{1}).number(int64_t{1} << 60).number(kF32);
    to.number(static_cast<uint64_t>(i) << 62);
  }
  EXPECT_TRUE(refused(to.pad_to(32).raw(std::string(64, '\0')).content));
}

TEST(GgufAttack, Cve2026_33298_ExtentsWhoseProductWraps) {
  constexpr int64_t kWide = int64_t{1} << 32;
  EXPECT_TRUE(refused(one_tensor(2, {kWide, kWide}, kF32)));
  EXPECT_TRUE(refused(one_tensor(3, {kWide, kWide, 4}, kF32)));
  EXPECT_TRUE(refused(one_tensor(2, {256, int64_t{1} << 56}, kQ4K)));
  EXPECT_TRUE(refused(one_tensor(4, {1 << 16, 1 << 16, 1 << 16, 1 << 16}, kF32)));
}

TEST(GgufAttack, ExtentsOfZeroAndBelow) {
  EXPECT_TRUE(refused(one_tensor(2, {-1, -16}, kF32)));
  EXPECT_TRUE(refused(one_tensor(1, {INT64_MIN}, kF32)));
  EXPECT_TRUE(refused(one_tensor(2, {16, -1}, kF32)));
  // Nothing divides by an extent of zero, whether such a tensor is let in or not.
  const TemporaryFolder folder;
  const auto empty = read_gguf(folder.write("model.gguf", one_tensor(2, {0, 4}, kF32)));
  if (empty) (void)empty->tensor("w");
}

onnx::TensorProto external(const std::string& location) {
  onnx::TensorProto tensor;
  tensor.set_name("w");
  tensor.set_data_type(onnx::TensorProto::FLOAT);
  tensor.add_dims(1);
  tensor.set_data_location(onnx::TensorProto::EXTERNAL);
  auto& entry = *tensor.add_external_data();
  entry.set_key("location");
  entry.set_value(location);
  return tensor;
}

struct OnnxAttack : ::testing::Test {
  OnnxAttack() {
    std::filesystem::create_directories(folder.path("model"));
    folder.write("secret", "1234");
  }
  bool reads(const std::string& location) const {
    onnx::TensorProto tensor = external(location);
    return take_onnx_tensor(tensor, folder.path("model")).has_value();
  }
  TemporaryFolder folder;
};

TEST_F(OnnxAttack, Cve2022_25882_ParentsInTheLocation) {
  EXPECT_FALSE(reads("../secret"));
  EXPECT_FALSE(reads("./../secret"));
  EXPECT_FALSE(reads("a/../../secret"));
}

TEST_F(OnnxAttack, Cve2024_27318_OtherSpellingsOfElsewhere) {
  EXPECT_FALSE(reads(folder.path("secret")));
  EXPECT_FALSE(reads("/" + folder.path("secret")));
  EXPECT_FALSE(reads("file://" + folder.path("secret")));
  EXPECT_FALSE(reads("..\\secret"));
  EXPECT_FALSE(reads("....//secret"));
  EXPECT_FALSE(reads("~/secret"));
}

TEST_F(OnnxAttack, Cve2026_34446_LinksThatLeadOut) {
  std::filesystem::create_symlink("../secret", folder.path("model/weights"));
  std::filesystem::create_directory_symlink("..", folder.path("model/up"));
  EXPECT_FALSE(reads("weights"));
  EXPECT_FALSE(reads("up/secret"));
}

TEST_F(OnnxAttack, Cve2026_34447_WhatIsNoPlainFile) {
  EXPECT_FALSE(reads("."));
  std::filesystem::create_symlink("/dev/zero", folder.path("model/zeros"));
  EXPECT_FALSE(reads("zeros"));
  ASSERT_EQ(::mkfifo(folder.path("model/pipe").c_str(), 0600), 0);
  EXPECT_FALSE(reads("pipe")) << "and it doesn't wait for a writer";
}

TEST(OnnxAttackMessage, NestingDeeperThanTheStack) {
  // 2,000 graphs, each inside an attribute of the one before.
  std::string inner;
  const auto field = [](int number, const std::string& bytes) {
    std::string out(1, static_cast<char>(number << 3 | 2));
    for (size_t size = bytes.size();; size >>= 7) {
      out += static_cast<char>((size & 0x7f) | (size > 0x7f ? 0x80 : 0));
      if (size <= 0x7f) break;
    }
    return out + bytes;
  };
  for (int depth = 0; depth < 2000; ++depth) inner = field(1, field(5, field(6, inner)));
  const std::string model = std::string("\x08\x08", 2) + field(7, inner);
  EXPECT_FALSE(OnnxModel::parse(std::as_bytes(std::span(model))));
}

TEST(OnnxAttackMessage, ShapesLargerThanTheirBytes) {
  for (const std::vector<int64_t>& dims : {std::vector<int64_t>{int64_t{1} << 40},
                                           {int64_t{1} << 32, int64_t{1} << 32},
                                           {-1},
                                           {INT64_MIN},
                                           {int64_t{1} << 62, 4}}) {
    onnx::TensorProto tensor;
    tensor.set_data_type(onnx::TensorProto::FLOAT);
    for (const int64_t dim : dims) tensor.add_dims(dim);
    tensor.set_raw_data("1234");
    EXPECT_FALSE(take_onnx_tensor(tensor)) << dims[0];
  }
}

}  // namespace
}  // namespace tenwatt::files
