// Byte-level BPE against ids recorded with llama.cpp (see facts: material, tokenizer vectors), and
// the properties that hold for any bytes.
#include "text/byte_bpe.h"

#include <gtest/gtest.h>

#include <random>

#include "text/byte_alphabet.h"
#include "vectors.h"

namespace tenwatt::text {
namespace {

using Ids = std::vector<TokenId>;

constexpr const char* kSmolLm2 = "SmolLM2-135M-Instruct.Q4_1.gguf";

/// The alphabet and a few merges: enough to tokenise anything.
TokenizerSpec small_spec() {
  TokenizerSpec spec;
  spec.pre = "gpt-2";
  for (int byte = 0; byte < 256; ++byte) {
    spec.tokens.push_back(spelling_of_bytes(std::string(1, static_cast<char>(byte))));
  }
  for (const char* token : {"ab", "abc", "bc", "Ġa", "<|end|>", "<user>"}) {
    spec.tokens.emplace_back(token);
  }
  spec.types.assign(spec.tokens.size(), TokenType::kNormal);
  spec.types[260] = TokenType::kControl;
  spec.types[261] = TokenType::kUserDefined;
  spec.merges = {"b c", "a b", "a bc", "Ġ a"};
  spec.bos = 260;
  spec.eos = 260;
  return spec;
}

std::unique_ptr<Tokenizer> made(TokenizerSpec spec) {
  auto tokenizer = make_tokenizer(std::move(spec));
  if (!tokenizer) ADD_FAILURE() << tokenizer.error().message;
  return tokenizer ? std::move(*tokenizer) : nullptr;
}

const Tokenizer* smollm2() {
  static const std::unique_ptr<Tokenizer> tokenizer = tokenizer_of(kSmolLm2);
  return tokenizer.get();
}

std::string random_bytes(std::mt19937& random, size_t most) {
  std::string text(random() % (most + 1), '\0');
  for (char& c : text) {
    // Half from a small alphabet, so that merges and pieces happen.
    c = random() % 2 ? "abc '\n\xC3\xA9\xE2\x82\xAC"[random() % 12] : static_cast<char>(random());
  }
  return text;
}

TEST(ByteBpe, EveryVectorOfTheReference) {
  const Tokenizer* tokenizer = smollm2();
  if (!tokenizer) GTEST_SKIP() << kSmolLm2 << " is not in " << models_folder();
  expect_recorded_ids(*tokenizer, "smollm2-135m");
}

TEST(ByteBpe, EveryVectorOfTheReferenceWithQwensPreTokeniser) {
  const std::string file = "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf";
  const auto tokenizer = tokenizer_of(file);
  if (!tokenizer) GTEST_SKIP() << file << " is not in " << models_folder();
  expect_recorded_ids(*tokenizer, "qwen2.5-coder-0.5b");
}

TEST(ByteBpe, DecodingGivesBackAnyBytes) {
  const Tokenizer* tokenizer = smollm2();
  if (!tokenizer) GTEST_SKIP() << kSmolLm2 << " is not in " << models_folder();
  // SmolLM2's vocabulary lacks a few bytes; those are the only ones that may go missing.
  std::string missing;
  for (int byte = 0; byte < 256; ++byte) {
    const std::string one(1, static_cast<char>(byte));
    if (tokenizer->encode(one).empty()) missing += one;
  }
  std::mt19937 random(1);
  for (int round = 0; round < 2000; ++round) {
    const std::string text = random_bytes(random, 60);
    std::string expected;
    for (const char c : text) {
      if (!missing.contains(c)) expected += c;
    }
    ASSERT_EQ(tokenizer->decode(tokenizer->encode(text)), expected);
  }
}

TEST(ByteBpe, EveryFamilyGivesBackAnyBytes) {
  for (const char* pre :
       {"gpt-2", "smollm", "qwen2", "llama-bpe", "dbrx", "glm4", "qwen35", "default"}) {
    TokenizerSpec spec = small_spec();
    spec.pre = pre;
    const auto tokenizer = made(std::move(spec));
    std::mt19937 random(2);
    for (int round = 0; round < 500; ++round) {
      const std::string text = random_bytes(random, 80);
      ASSERT_EQ(tokenizer->decode(tokenizer->encode(text)), text) << pre;
    }
  }
}

TEST(ByteBpe, TheBestRankedPairMergesFirst) {
  const auto tokenizer = made(small_spec());
  EXPECT_EQ(tokenizer->encode("abc"), (Ids{257}));  // b c, then a bc
  EXPECT_EQ(tokenizer->encode("ab"), (Ids{256}));
  EXPECT_EQ(tokenizer->encode("abab"), (Ids{256, 256}));
  EXPECT_EQ(tokenizer->encode("x a"), (Ids{'x', 259}));
}

TEST(ByteBpe, AMillionBytesOfOnePieceAreMergedInReasonableTime) {
  const auto tokenizer = made(small_spec());
  std::string text;
  for (int i = 0; i < 333333; ++i) text += "abc";
  EXPECT_EQ(tokenizer->encode(text).size(), 333333u);
}

TEST(ByteBpe, ControlTokensAreParsedOnlyOnRequest) {
  const auto tokenizer = made(small_spec());
  EXPECT_EQ(tokenizer->encode("a<|end|>b", {.special = SpecialText::kParse}), (Ids{'a', 260, 'b'}));
  EXPECT_EQ(tokenizer->encode("a<|end|>b").size(), 9u);
  EXPECT_EQ(tokenizer->encode("a<user>b"), (Ids{'a', 261, 'b'}));  // user-defined: always
}

TEST(ByteBpe, TheFilesWordOnBosBeatsTheFamilys) {
  const EncodeOptions add{SpecialText::kPlain, AddSpecial::kAsModelAsks};
  TokenizerSpec spec = small_spec();
  spec.pre = "llama-bpe";
  EXPECT_EQ(made(spec)->encode("x", add), (Ids{260, 'x'}));
  spec.add_bos = false;
  spec.add_eos = true;
  EXPECT_EQ(made(spec)->encode("x", add), (Ids{'x', 260}));
}

TEST(ByteBpe, AnswersEndAtEveryTokenThatEndsOne) {
  const Tokenizer* tokenizer = smollm2();
  if (!tokenizer) GTEST_SKIP() << kSmolLm2 << " is not in " << models_folder();
  EXPECT_TRUE(tokenizer->is_end_of_generation(0));   // <|endoftext|>
  EXPECT_TRUE(tokenizer->is_end_of_generation(2));   // <|im_end|>
  EXPECT_FALSE(tokenizer->is_end_of_generation(1));  // <|im_start|>
  EXPECT_EQ(tokenizer->find("<|im_start|>"), 1);
  EXPECT_EQ(tokenizer->find(" the"), tokenizer->encode(" the")[0]);
  EXPECT_EQ(tokenizer->find("no such token"), std::nullopt);
}

TEST(ByteBpe, AnUnknownPreTokeniserIsRefusedByName) {
  TokenizerSpec spec = small_spec();
  spec.pre = "klingon";
  const auto tokenizer = make_tokenizer(std::move(spec));
  ASSERT_FALSE(tokenizer);
  EXPECT_EQ(tokenizer.error().code, ErrorCode::kUnsupported);
  EXPECT_TRUE(tokenizer.error().message.contains("klingon"));
  EXPECT_TRUE(tokenizer.error().remedy.contains("smollm"));
}

TEST(ByteBpe, DamagedSpecsAreRefused) {
  TokenizerSpec spec = small_spec();
  spec.eos = 262;
  EXPECT_FALSE(make_tokenizer(spec));
  spec = small_spec();
  spec.bos = -1;
  EXPECT_FALSE(make_tokenizer(spec));
  spec = small_spec();
  spec.types.pop_back();
  EXPECT_FALSE(make_tokenizer(spec));
  spec = small_spec();
  spec.merges.emplace_back("nospace");
  EXPECT_FALSE(make_tokenizer(spec));
  spec.merges.back() = "";
  EXPECT_FALSE(make_tokenizer(spec));
  EXPECT_FALSE(make_tokenizer(TokenizerSpec{}));
  spec = small_spec();
  spec.model = "abacus";
  EXPECT_FALSE(make_tokenizer(spec));
}

TEST(ByteBpe, IdsOutsideTheVocabularyAreEmpty) {
  const auto tokenizer = made(small_spec());
  for (const TokenId id : {-1, 262, 2000000000}) {
    EXPECT_EQ(tokenizer->piece(id), "");
    EXPECT_FALSE(tokenizer->is_end_of_generation(id));
  }
}

TEST(StreamingDecoder, HoldsBackIncompleteCharacters) {
  const auto tokenizer = made(small_spec());
  StreamingDecoder decoder(*tokenizer);
  EXPECT_EQ(decoder.push(0xE2), "");
  EXPECT_EQ(decoder.push(0x82), "");
  EXPECT_EQ(decoder.push(0xAC), "€");
  EXPECT_EQ(decoder.push(260), "");  // control token, hidden
  EXPECT_EQ(decoder.push(0xF0), "");
  EXPECT_EQ(decoder.push('x'), "\xF0x");  // can't become a character: passed on
  EXPECT_EQ(decoder.push(0xC3), "");
  EXPECT_EQ(decoder.finish(), "\xC3");
}

TEST(StreamingDecoder, EqualsDecodingAtOnce) {
  const auto tokenizer = made(small_spec());
  std::mt19937 random(3);
  for (int round = 0; round < 500; ++round) {
    const Ids ids = tokenizer->encode(random_bytes(random, 40));
    StreamingDecoder decoder(*tokenizer);
    std::string text;
    for (const TokenId id : ids) text += decoder.push(id);
    ASSERT_EQ(text + decoder.finish(), tokenizer->decode(ids));
  }
}

}  // namespace
}  // namespace tenwatt::text
