// Saved conversations are bytes from anywhere: a good one goes on as its origin does, and a damaged
// one is an error wherever it is damaged, even where its checksums have been made right again.
#include <gtest/gtest.h>

#include <cstring>

#include "base/digest.h"
#include "base/random.h"
#include "tiny_engine.h"

namespace tenwatt::thinking {
namespace {

decoding::GenerateOptions limit(int64_t tokens) {
  return {.sampler = {}, .max_tokens = tokens, .cancel = nullptr};
}

struct SavedConversation : ::testing::Test {
  static void SetUpTestSuite() {
    engine = tiny_engine();
    Conversation conversation = Conversation::open(engine, "be brief").value();
    ASSERT_TRUE(conversation.send("abc", limit(6)));
    saved = conversation.save().value();
  }
  static void TearDownTestSuite() { engine.reset(); }

  /// The bytes with the checksum of what they now are.
  static std::string resealed(std::string bytes) {
    const std::string_view body(bytes.data(), bytes.size() - sizeof(uint64_t));
    const uint64_t checksum = checksum64(std::as_bytes(std::span(body)));
    std::memcpy(bytes.data() + body.size(), &checksum, sizeof checksum);
    return bytes;
  }
  static void expect_refused(const std::string& bytes) {
    const auto loaded = Conversation::load(engine, bytes);
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().code, ErrorCode::kCorrupt) << loaded.error().message;
  }

  static inline std::shared_ptr<const LanguageEngine> engine;
  static inline std::string saved;
};

TEST_F(SavedConversation, GoesOnAsItsOriginDoes) {
  Conversation origin = Conversation::open(engine, "be brief").value();
  ASSERT_TRUE(origin.send("abc", limit(6)));
  auto loaded = Conversation::load(engine, origin.save().value());
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->tokens(), origin.tokens());
  ASSERT_EQ(loaded->history().size(), origin.history().size());
  for (size_t i = 0; i < origin.history().size(); ++i) {
    EXPECT_EQ(loaded->history()[i].role, origin.history()[i].role);
    EXPECT_EQ(loaded->history()[i].content, origin.history()[i].content);
  }
  const auto one = loaded->send("and then?", limit(6)).value();
  const auto two = origin.send("and then?", limit(6)).value();
  EXPECT_EQ(one.generated.tokens, two.generated.tokens);
  EXPECT_EQ(one.prompt_tokens, two.prompt_tokens);
}

TEST_F(SavedConversation, AForkLeavesItsOriginAlone) {
  Conversation origin = Conversation::load(engine, saved).value();
  Conversation fork = origin.fork().value();
  const auto expected = Conversation::load(engine, saved).value().send("xyz", limit(6)).value();
  ASSERT_TRUE(fork.send("something else", limit(6)));
  EXPECT_EQ(origin.send("xyz", limit(6)).value().generated.tokens, expected.generated.tokens);
  EXPECT_EQ(fork.history().size(), 5U);
  EXPECT_EQ(origin.history().size(), 5U);
}

TEST_F(SavedConversation, OneThatHasReadNothingIsSavedToo) {
  const std::string bytes = Conversation::open(engine, "be brief").value().save().value();
  const auto loaded = Conversation::load(engine, bytes);
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->tokens(), 0);
  EXPECT_EQ(loaded->history().size(), 1U);
}

TEST_F(SavedConversation, IsRefusedAtEveryTruncation) {
  Random random(1);
  for (int i = 0; i < 200; ++i) expect_refused(saved.substr(0, random.below(saved.size())));
  for (size_t length = 0; length < 200; ++length) {
    expect_refused(resealed(saved.substr(0, length) + std::string(sizeof(uint64_t), '\0')));
  }
}

TEST_F(SavedConversation, IsRefusedForAnyFlippedByte) {
  Random random(2);
  for (int i = 0; i < 500; ++i) {
    std::string bytes = saved;
    bytes[random.below(bytes.size())] ^= static_cast<char>(1 + random.below(255));
    expect_refused(bytes);
  }
}

TEST_F(SavedConversation, LoadsOrIsRefusedWhereItsChecksumIsMadeRightAgain) {
  for (size_t at = 0; at < 400; ++at) {
    std::string bytes = saved;
    bytes[at] = static_cast<char>(bytes[at] ^ 0xFF);
    const auto loaded = Conversation::load(engine, resealed(std::move(bytes)));
    if (loaded) {
      EXPECT_LE(loaded->tokens(), engine->context());
    } else {
      EXPECT_EQ(loaded.error().code, ErrorCode::kCorrupt);
    }
  }
}

}  // namespace
}  // namespace tenwatt::thinking
