// The zip reader: archives as wheels are, and archives that lie.
#include "store/zip.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/paths.h"
#include "base/process.h"
#include "base/random.h"
#include "temporary_folder.h"
#include "zip_writer.h"

namespace tenwatt::store {
namespace {

struct Zip : ::testing::Test {
  Result<ZipReader> open(const std::string& bytes) {
    EXPECT_TRUE(write_file_atomically(folder + "/archive.zip", bytes));
    return ZipReader::open(folder + "/archive.zip");
  }
  // The content of one member, or the first error on the way to it.
  Result<std::string> content(const std::string& bytes, const std::string& name) {
    const ZipReader reader = TENWATT_TRY(open(bytes));
    const ZipMember member = TENWATT_TRY(reader.find(name));
    TENWATT_TRY(reader.extract(member, folder + "/out"));
    return read_file(folder + "/out", 1 << 26);
  }
  ErrorCode error(const std::vector<TestMember>& members) {
    const auto result = content(make_zip(members), members.front().name);
    EXPECT_FALSE(result);
    EXPECT_FALSE(std::filesystem::exists(folder + "/out")) << "a failed member was left behind";
    return result ? ErrorCode::kInternal : result.error().code;
  }
  const material::TemporaryFolder own;
  const std::string folder = own.path();
};

TEST_F(Zip, StoredAndDeflatedMembersComeOutAsTheyWentIn) {
  std::string large;
  Random random(1);
  for (int index = 0; index < 1'000'000; ++index) {
    large += static_cast<char>('a' + random.below(5));
  }
  const std::string zip = make_zip(
      {{"empty", ""}, {"stored", "some text", false}, {"folder/large.bin", large}}, "a comment");
  EXPECT_EQ(content(zip, "empty").value(), "");
  EXPECT_EQ(content(zip, "stored").value(), "some text");
  EXPECT_EQ(content(zip, "folder/large.bin").value(), large);
}

TEST_F(Zip, ReadsWhatPythonWrites) {
  ProcessOptions python;
  python.arguments = {"python3", "-c",
                      "import sys, zipfile\n"
                      "z = zipfile.ZipFile(sys.argv[1], 'w', zipfile.ZIP_DEFLATED)\n"
                      "z.writestr('data/part.bin', bytes(range(256)) * 1000)\n"
                      "z.close()\n",
                      folder + "/python.zip"};
  const auto run = run_process(python, "", std::chrono::seconds(60));
  if (!run || !run->exit.ok()) GTEST_SKIP() << "no python3";
  const auto reader = ZipReader::open(folder + "/python.zip");
  ASSERT_TRUE(reader) << reader.error().message;
  ASSERT_TRUE(reader->extract(reader->find("data/part.bin").value(), folder + "/out"));
  std::string expected;
  for (int index = 0; index < 256'000; ++index) expected += static_cast<char>(index);
  EXPECT_EQ(read_file(folder + "/out", 1 << 20).value(), expected);
}

TEST_F(Zip, MemberThatIsNotThereOrTwiceThere) {
  EXPECT_EQ(content(make_zip({{"a", "1"}}), "b").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(content(make_zip({{"a", "1"}, {"a", "2"}}), "a").error().code, ErrorCode::kCorrupt);
}

TEST_F(Zip, BombStopsAtTheStatedSize) {
  TestMember bomb{"bomb", std::string(10'000'000, '\0')};
  bomb.stated_bytes = 1000;
  EXPECT_EQ(error({bomb}), ErrorCode::kCorrupt);
}

TEST_F(Zip, WrongSizesChecksumsAndNames) {
  EXPECT_EQ(error({{.name = "a", .content = "text", .stated_bytes = 5}}), ErrorCode::kCorrupt);
  EXPECT_EQ(error({{.name = "a", .content = "text", .crc_error = 1}}), ErrorCode::kCorrupt);
  EXPECT_EQ(error({{.name = "a", .content = "text", .deflated = false, .crc_error = 1}}),
            ErrorCode::kCorrupt);
  EXPECT_EQ(error({{.name = "a", .content = "text", .local_name = "b"}}), ErrorCode::kCorrupt);
  EXPECT_EQ(error({{.name = "a", .content = "text", .stated_packed_bytes = 1}}),
            ErrorCode::kCorrupt);
}

TEST_F(Zip, OffsetsOutsideTheFile) {
  EXPECT_EQ(error({{.name = "a", .content = "text", .stated_packed_bytes = 0x7fffffff}}),
            ErrorCode::kCorrupt);
  EXPECT_EQ(error({{.name = "a", .content = "text", .stated_offset = 0x7fffffff}}),
            ErrorCode::kCorrupt);
  EXPECT_EQ(error({{.name = "a", .content = "text", .stated_offset = 1}}), ErrorCode::kCorrupt);
}

TEST_F(Zip, EncryptedZip64AndUnknownMethodsAreRefused) {
  EXPECT_EQ(error({{.name = "a", .content = "text", .flags = 1}}), ErrorCode::kUnsupported);
  EXPECT_EQ(error({{.name = "a", .content = "text", .stated_bytes = 0xffffffff}}),
            ErrorCode::kUnsupported);
  EXPECT_EQ(error({{.name = "a", .content = "text", .method = 12}}), ErrorCode::kUnsupported);
}

TEST_F(Zip, TruncatedAtAnyByteIsAnErrorAndNeverMore) {
  const std::string zip = make_zip({{"a", "some text"}, {"b", "other text", false}}, "comment");
  for (size_t length = 0; length < zip.size(); ++length) {
    EXPECT_FALSE(content(zip.substr(0, length), "a")) << length;
  }
}

TEST_F(Zip, AnyDamagedByteNeverYieldsOtherContent) {
  const std::string text = "some text that is long enough to be worth deflating, deflating";
  const std::string zip = make_zip({{"a", text}});
  Random random(2);
  for (size_t at = 0; at < zip.size(); ++at) {
    std::string damaged = zip;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << random.below(8)));
    const auto result = content(damaged, "a");
    EXPECT_EQ(result.value_or(text), text) << at;
  }
}

}  // namespace
}  // namespace tenwatt::store
