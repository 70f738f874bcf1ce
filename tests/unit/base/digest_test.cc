// SHA-256 against the vectors of FIPS 180-4, our checksum by its promises, remembered digests.
#include "base/digest.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/paths.h"

namespace tenwatt {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

struct DigestNotes : ::testing::Test {
  void SetUp() override {
    folder = ::testing::TempDir() + "tenwatt_digest_notes";
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder);
    ::setenv("TENWATT_HOME", folder.c_str(), 1);
  }
  void TearDown() override {
    ::unsetenv("TENWATT_HOME");
    std::filesystem::remove_all(folder);
  }
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(folder + "/" + name) << text;
    return folder + "/" + name;
  }
  std::string folder;
};

TEST(Sha256, VectorsOfTheStandard) {
  EXPECT_EQ(sha256(bytes_of("")),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256(bytes_of("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256(bytes_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST(Sha256, PiecesEqualTheWhole) {
  const std::string text(1'000'000, 'a');
  Sha256 digest;
  for (size_t at = 0; at < text.size(); at += 777) {
    digest.update(bytes_of(std::string_view(text).substr(at, 777)));
  }
  EXPECT_EQ(digest.finish(), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Checksum64, SeesEveryFlippedBitAndEveryLength) {
  std::string text;
  for (int index = 0; index < 100; ++index) text += static_cast<char>(index * 37);
  for (size_t length = 0; length <= text.size(); ++length) {
    const std::string_view part = std::string_view(text).substr(0, length);
    const uint64_t whole = checksum64(bytes_of(part));
    EXPECT_NE(whole, checksum64(bytes_of(std::string(part) + '\0'))) << length;
    for (size_t bit = 0; bit < 8 * length; ++bit) {
      std::string damaged(part);
      damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
      ASSERT_NE(whole, checksum64(bytes_of(damaged))) << length << " bit " << bit;
    }
  }
}

TEST(Checksum64, DependsOnTheSeed) {
  EXPECT_NE(checksum64(bytes_of("abc"), 1), checksum64(bytes_of("abc"), 2));
}

TEST_F(DigestNotes, RememberTheFileUntilItChanges) {
  const std::string path = write("model", "abc");
  const std::string noted(64, '7');  // not the digest: shows that the note is what is read
  ASSERT_TRUE(remember_sha256(path, noted));
  EXPECT_EQ(remembered_sha256(path).value(), noted);
  std::filesystem::remove(path);
  write("model", "abcd");
  EXPECT_EQ(remembered_sha256(path).value(), sha256(bytes_of("abcd")));
}

TEST_F(DigestNotes, AreOnlyACache) {
  const std::string path = write("model", "abc");
  ASSERT_TRUE(make_folder(cache_folder()));
  std::ofstream(cache_folder() + "/digests") << "not a note\n1 2 3\n\xff\xfe";
  EXPECT_EQ(remembered_sha256(path).value(), sha256(bytes_of("abc")));
}

TEST_F(DigestNotes, MissingFileIsNotFound) {
  const auto digest = remembered_sha256(folder + "/nothing");
  ASSERT_FALSE(digest);
  EXPECT_EQ(digest.error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace tenwatt
