// SentencePiece against ids recorded with llama.cpp, and the properties that hold for any bytes.
#include "text/sentencepiece.h"

#include <gtest/gtest.h>

#include <random>

#include "vectors.h"

namespace tenwatt::text {
namespace {

using Ids = std::vector<TokenId>;

constexpr const char* kGemma3 = "gemma-3-270m-q4_k_m.gguf";

// Ids of small_spec() after the bytes.
constexpr TokenId kA = 259;
constexpr TokenId kB = 260;
constexpr TokenId kAb = 261;
constexpr TokenId kAba = 262;
constexpr TokenId kSpace = 263;
constexpr TokenId kSpaceA = 264;
constexpr TokenId kEnd = 265;
constexpr TokenId kUser = 266;

/// All bytes, a few pieces with scores, a control and a user-defined token.
TokenizerSpec small_spec() {
  TokenizerSpec spec;
  spec.model = "llama";
  const auto add = [&](std::string spelling, TokenType type, float score) {
    spec.tokens.push_back(std::move(spelling));
    spec.types.push_back(type);
    spec.scores.push_back(score);
  };
  add("<unk>", TokenType::kUnknown, 0);
  add("<s>", TokenType::kControl, 0);
  add("</s>", TokenType::kControl, 0);
  for (int byte = 0; byte < 256; ++byte) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    add(std::string("<0x") + kDigits[byte / 16] + kDigits[byte % 16] + ">", TokenType::kByte, 0);
  }
  add("a", TokenType::kNormal, -10);
  add("b", TokenType::kNormal, -10);
  add("ab", TokenType::kNormal, -2);
  add("aba", TokenType::kNormal, -3);
  add("▁", TokenType::kNormal, -10);
  add("▁a", TokenType::kNormal, -1);
  add("<end>", TokenType::kControl, 0);
  add("<user>", TokenType::kUserDefined, 0);
  spec.add_space_prefix = false;
  return spec;
}

std::unique_ptr<Tokenizer> made(TokenizerSpec spec) {
  auto tokenizer = make_tokenizer(std::move(spec));
  if (!tokenizer) ADD_FAILURE() << tokenizer.error().message;
  return tokenizer ? std::move(*tokenizer) : nullptr;
}

TokenId byte_token(int byte) { return 3 + byte; }

std::string random_text(std::mt19937& random, size_t most) {
  std::string text(random() % (most + 1), '\0');
  for (char& c : text) {
    c = random() % 2 ? "ab  <\n\xC3\xA9\xE2\x96\x81>"[random() % 12] : static_cast<char>(random());
  }
  return text;
}

TEST(SentencePiece, EveryVectorOfTheReference) {
  const auto tokenizer = tokenizer_of(kGemma3);
  if (!tokenizer) GTEST_SKIP() << kGemma3 << " is not in " << models_folder();
  expect_recorded_ids(*tokenizer, "gemma3-270m");
}

TEST(SentencePiece, TheBestScoreMergesFirstAndOfEqualOnesTheLeftmost) {
  const auto tokenizer = made(small_spec());
  EXPECT_EQ(tokenizer->encode("ab"), (Ids{kAb}));
  EXPECT_EQ(tokenizer->encode("aba"), (Ids{kAba}));
  EXPECT_EQ(tokenizer->encode("abab"), (Ids{kAb, kAb}));  // both pairs before their neighbours
  EXPECT_EQ(tokenizer->encode(" aba"), (Ids{kSpaceA, kB, kA}));  // the space takes the a
}

TEST(SentencePiece, WhatIsNoPieceBecomesItsBytes) {
  const auto tokenizer = made(small_spec());
  EXPECT_EQ(tokenizer->encode("aé"), (Ids{kA, byte_token(0xC3), byte_token(0xA9)}));
  EXPECT_EQ(tokenizer->encode(std::string_view("\0\xFF", 2)),
            (Ids{byte_token(0), byte_token(0xFF)}));
  EXPECT_EQ(tokenizer->piece(byte_token(0xFF)), "\xFF");

  TokenizerSpec spec = small_spec();
  spec.tokens[3 + 'x'] = "no byte";
  spec.types[3 + 'x'] = TokenType::kNormal;
  EXPECT_EQ(made(spec)->encode("x"), (Ids{0}));  // the unknown token
}

TEST(SentencePiece, DecodingGivesBackAnyBytes) {
  std::mt19937 random(1);
  for (const bool prefix : {false, true}) {
    TokenizerSpec spec = small_spec();
    spec.add_space_prefix = prefix;
    const auto tokenizer = made(std::move(spec));
    for (int round = 0; round < 2000; ++round) {
      const std::string text = random_text(random, 60);
      // The one character that can't be told from a space.
      std::string expected = text;
      for (size_t at; (at = expected.find("▁")) != std::string::npos;) expected.replace(at, 3, " ");
      ASSERT_EQ(tokenizer->decode(tokenizer->encode(text)), expected) << prefix;
    }
  }
}

TEST(SentencePiece, GemmasDecodingGivesBackAnyBytes) {
  const auto tokenizer = tokenizer_of(kGemma3);
  if (!tokenizer) GTEST_SKIP() << kGemma3 << " is not in " << models_folder();
  std::mt19937 random(2);
  for (int round = 0; round < 2000; ++round) {
    std::string text = random_text(random, 80);
    std::erase(text, '\x96');  // no U+2581
    ASSERT_EQ(tokenizer->decode(tokenizer->encode(text)), text);
  }
}

TEST(SentencePiece, ASpaceIsPutBeforeEveryStretchOfTextWhereTheFileAsks) {
  TokenizerSpec spec = small_spec();
  spec.add_space_prefix = true;
  const auto tokenizer = made(spec);
  EXPECT_EQ(tokenizer->encode("a"), (Ids{kSpaceA}));
  EXPECT_EQ(tokenizer->encode("b<user>a"), (Ids{kSpace, kB, kUser, kSpaceA}));
  EXPECT_EQ(tokenizer->decode(Ids{kSpaceA, kB}), "ab");
  spec.add_space_prefix.reset();
  EXPECT_EQ(made(spec)->encode("a"), (Ids{kSpaceA}));  // the format's default
}

TEST(SentencePiece, BeginningAndEndAreAddedAsTheFileAsks) {
  const EncodeOptions add{SpecialText::kPlain, AddSpecial::kAsModelAsks};
  TokenizerSpec spec = small_spec();
  EXPECT_EQ(made(spec)->encode("b", add), (Ids{1, kB}));  // the format's defaults
  spec.add_eos = true;
  spec.bos = kEnd;
  EXPECT_EQ(made(spec)->encode("b", add), (Ids{kEnd, kB, 2}));
  spec.add_bos = false;
  EXPECT_EQ(made(spec)->encode("b", add), (Ids{kB, 2}));
}

TEST(SentencePiece, TextCanNotSpellControlOrByteTokens) {
  // Every prefix is a piece, so that merging alone would get there.
  TokenizerSpec spec = small_spec();
  for (const std::string spelling : {"<end>", "<0x41>"}) {
    for (size_t length = 1; length < spelling.size(); ++length) {
      spec.tokens.push_back(spelling.substr(0, length));
    }
    for (const char c : spelling) spec.tokens.emplace_back(1, c);
  }
  spec.types.resize(spec.tokens.size(), TokenType::kNormal);
  spec.scores.resize(spec.tokens.size(), 0.0f);
  const auto tokenizer = made(spec);
  for (const std::string text : {"<end>", "<0x41>"}) {
    for (const TokenId id : tokenizer->encode(text)) {
      EXPECT_EQ(tokenizer->type(id), TokenType::kNormal) << text;
    }
    EXPECT_EQ(tokenizer->decode(tokenizer->encode(text)), text);
  }
  EXPECT_EQ(tokenizer->encode("<end>", {.special = SpecialText::kParse}), (Ids{kEnd}));
}

TEST(SentencePiece, TokensAreFoundByWhatTheyStandFor) {
  const auto tokenizer = made(small_spec());
  EXPECT_EQ(tokenizer->find(" a"), kSpaceA);
  EXPECT_EQ(tokenizer->find("<end>"), kEnd);
  EXPECT_EQ(tokenizer->find("ba"), std::nullopt);
}

TEST(SentencePiece, AMillionBytesAreMergedInReasonableTime) {
  const auto tokenizer = made(small_spec());
  std::string merging;
  for (int i = 0; i < 500'000; ++i) merging += "ab";
  EXPECT_EQ(tokenizer->encode(merging).size(), 500'000u);
  EXPECT_EQ(tokenizer->encode(std::string(1'000'000, 'x')).size(), 1'000'000u);
  EXPECT_EQ(tokenizer->encode(std::string(1'000'000, ' ')).size(), 1'000'000u);
}

TEST(SentencePiece, GemmaReadsAMillionBytesOfAnythingInReasonableTime) {
  const auto tokenizer = tokenizer_of(kGemma3);
  if (!tokenizer) GTEST_SKIP() << kGemma3 << " is not in " << models_folder();
  for (const std::string unit : {"<unused1", "\n", "the cat "}) {
    std::string text;
    while (text.size() < 1'000'000) text += unit;
    for (const SpecialText special : {SpecialText::kParse, SpecialText::kPlain}) {
      const Ids ids = tokenizer->encode(text, {.special = special});
      EXPECT_TRUE(tokenizer->decode(ids) == text) << unit;
    }
  }
}

TEST(SentencePiece, DamagedSpecsAreRefused) {
  TokenizerSpec spec = small_spec();
  spec.scores.pop_back();
  EXPECT_FALSE(make_tokenizer(spec));
  spec.scores.clear();
  EXPECT_FALSE(make_tokenizer(spec));
  spec = small_spec();
  spec.scores[kAb] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_FALSE(make_tokenizer(spec));
  spec = small_spec();
  spec.unknown = 1'000'000;
  EXPECT_FALSE(make_tokenizer(spec));
}

}  // namespace
}  // namespace tenwatt::text
