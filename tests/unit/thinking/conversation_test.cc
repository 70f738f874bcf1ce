// Conversations with a tiny random model whose tokens are single letters, so that every prompt's
// length is known and a fresh sequence can say what each answer must be.
#include "thinking/conversation.h"

#include <gtest/gtest.h>

#include "decoding/generate.h"
#include "tiny_engine.h"

namespace tenwatt::thinking {
namespace {

using decoding::Continue;
using text::TokenId;

struct ConversationTest : ::testing::Test {
  static void SetUpTestSuite() { engine = tiny_engine(); }
  static void TearDownTestSuite() { engine.reset(); }

  static Conversation fresh(std::string system = "be brief") {
    return Conversation::open(engine, std::move(system)).value();
  }
  static decoding::GenerateOptions limit(int64_t tokens,
                                         const std::atomic<bool>* cancel = nullptr) {
    return {.sampler = {}, .max_tokens = tokens, .cancel = cancel};
  }

  static std::vector<TokenId> prompt(std::vector<text::ChatMessage> history,
                                     const std::string& message) {
    history.push_back({"user", message});
    const std::string text =
        engine->chat_template().value().render(history, text::GenerationPrompt::kAdd);
    return engine->tokenizer().encode(
        text, {.special = text::SpecialText::kParse, .add = text::AddSpecial::kAsModelAsks});
  }
  /// What a sequence that has read nothing before answers.
  static std::vector<TokenId> answer_of(std::span<const TokenId> prompt, int64_t tokens) {
    decoding::Sequence sequence = engine->open_sequence();
    EXPECT_TRUE(sequence.append(prompt));
    return decoding::generate(sequence, engine->tokenizer(), limit(tokens)).value().tokens;
  }

  static inline std::shared_ptr<const LanguageEngine> engine;
};

TEST_F(ConversationTest, EveryTurnAnswersAsIfAllOfItHadBeenReadAnew) {
  Conversation conversation = fresh();
  for (const std::string message : {"abc", "and then?", "x", "the end"}) {
    const auto expected = answer_of(prompt(conversation.history(), message), 8);
    const auto answer = conversation.send(message, limit(8));
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->generated.tokens, expected) << message;
  }
  EXPECT_EQ(conversation.history().size(), 9u);
}

TEST_F(ConversationTest, ReadsOnlyWhatFollowsTheCommonPrefix) {
  Conversation conversation = fresh();
  const auto whole = prompt(conversation.history(), "abcdef");
  const auto first = conversation.send("abcdef", limit(4));
  ASSERT_TRUE(first);
  EXPECT_EQ(first->prompt_tokens, static_cast<int64_t>(whole.size()));

  // The same again: all is known, and one token is read for its logits.
  ASSERT_TRUE(conversation.reset());
  const auto again = conversation.send("abcdef", limit(4));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->prompt_tokens, 1);
  EXPECT_EQ(again->generated.tokens, first->generated.tokens);

  // Another ending: what follows "abcd".
  ASSERT_TRUE(conversation.reset());
  const auto other = prompt(conversation.history(), "abcdXY");
  const auto common = std::ranges::mismatch(whole, other).in2 - other.begin();
  const auto changed = conversation.send("abcdXY", limit(4));
  ASSERT_TRUE(changed);
  EXPECT_EQ(changed->prompt_tokens, static_cast<int64_t>(other.size()) - common);
  EXPECT_EQ(changed->generated.tokens, answer_of(other, 4));
}

TEST_F(ConversationTest, ResetKeepsTheSystemMessage) {
  Conversation conversation = fresh("be brief");
  ASSERT_TRUE(conversation.send("abc", limit(2)));
  ASSERT_TRUE(conversation.reset());
  ASSERT_EQ(conversation.history().size(), 1u);
  EXPECT_EQ(conversation.history()[0].content, "be brief");
  EXPECT_TRUE(fresh("").history().empty());
}

TEST_F(ConversationTest, AMessageBeyondTheContextChangesNothing) {
  Conversation conversation = fresh();
  ASSERT_TRUE(conversation.send("abc", limit(4)));
  const auto refused = conversation.send(std::string(kContext, 'a'), limit(4));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kOutOfRange);
  EXPECT_NE(refused.error().message.find(std::to_string(kContext)), std::string::npos);
  EXPECT_EQ(conversation.history().size(), 3u);
  const auto expected = answer_of(prompt(conversation.history(), "xyz"), 4);
  EXPECT_EQ(conversation.send("xyz", limit(4))->generated.tokens, expected);
}

TEST_F(ConversationTest, AnAnswerEndsWhereTheContextIsFull) {
  Conversation conversation = fresh("");
  const std::string message(kContext - 60, 'a');
  const auto room = kContext - static_cast<int64_t>(prompt({}, message).size());
  ASSERT_GT(room, 0);
  const auto answer = conversation.send(message, limit(10'000));
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_LE(static_cast<int64_t>(answer->generated.tokens.size()), room);
}

TEST_F(ConversationTest, ACancelledPromptLeavesItAsItWas) {
  Conversation conversation = fresh();
  ASSERT_TRUE(conversation.send("abc", limit(4)));
  const auto history = conversation.history().size();
  std::atomic<bool> cancel = true;
  const auto cancelled = conversation.send("and then?", limit(4, &cancel));
  ASSERT_FALSE(cancelled);
  EXPECT_EQ(cancelled.error().code, ErrorCode::kCancelled);
  EXPECT_EQ(conversation.history().size(), history);
  const auto expected = answer_of(prompt(conversation.history(), "and then?"), 4);
  EXPECT_EQ(conversation.send("and then?", limit(4))->generated.tokens, expected);
}

TEST_F(ConversationTest, AStoppedAnswerStaysAsFarAsItWasGiven) {
  Conversation conversation = fresh();
  std::string given;
  const auto stopped = conversation.send("abc", limit(8), [&](std::string_view piece) {
    given += piece;
    return given.size() >= 2 ? Continue::kNo : Continue::kYes;
  });
  ASSERT_TRUE(stopped);
  EXPECT_EQ(stopped->generated.reason, decoding::StopReason::kCaller);
  EXPECT_EQ(conversation.history().back().content, given);
  const auto expected = answer_of(prompt(conversation.history(), "go on"), 4);
  EXPECT_EQ(conversation.send("go on", limit(4))->generated.tokens, expected);
}

TEST_F(ConversationTest, ABaseModelIsRefusedWithAWayOn) {
  text::TokenizerSpec spec = letters();
  spec.tokens[0] = "<s>";
  const auto conversation = Conversation::open(tiny_engine(std::move(spec)), "be brief");
  ASSERT_FALSE(conversation);
  EXPECT_EQ(conversation.error().code, ErrorCode::kUnsupported);
  EXPECT_NE(conversation.error().message.find("base model"), std::string::npos);
  EXPECT_NE(conversation.error().remedy.find("generate"), std::string::npos);
}

}  // namespace
}  // namespace tenwatt::thinking
