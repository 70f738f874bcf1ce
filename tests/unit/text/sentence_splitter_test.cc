// Where a spoken answer parts, and that it parts there however it arrives.
#include "text/sentence_splitter.h"

#include <gtest/gtest.h>

#include <random>

namespace tenwatt::text {
namespace {

/// Only sentences, no early clauses.
constexpr SplitterOptions kSentences = {.first_clause = 10000, .any_clause = 10000};

std::string parted(std::string_view text, SplitterOptions options = kSentences) {
  std::string out;
  for (const SpokenPiece& piece : split_sentences(text, options)) {
    out += (out.empty() ? "" : "|") + piece.text;
  }
  return out;
}

struct Row {
  const char* text;
  const char* parted;
};

TEST(SentenceSplitter, PartsAtTheEndsOfSentences) {
  constexpr Row kRows[] = {
      {"One. Two! Three? Four", "One. |Two! |Three? |Four"},
      {"Mr. Smith met Dr. Jones. They talked.", "Mr. Smith met Dr. Jones. |They talked."},
      {"It is 3.14 or so. Yes.", "It is 3.14 or so. |Yes."},
      {"J. R. R. Tolkien wrote. He did.", "J. R. R. Tolkien wrote. |He did."},
      {"Fruit, e.g. Apples, is good. See example.com/a.b now.",
       "Fruit, e.g. Apples, is good. |See example.com/a.b now."},
      {"Apples, pears, etc. are fruit. Apples etc. They are.",
       "Apples, pears, etc. are fruit. |Apples etc. |They are."},
      {"The U.S. army. In the U.S. They", "The U.S. army. |In the U.S. |They"},
      {"Wait... what? Wait... What?", "Wait... what? |Wait... |What?"},
      {"Well… then. So… Then.", "Well… then. |So… |Then."},
      {"He said \"Stop!\" and left. \"Go.\" She went.",
       "He said \"Stop!\" and left. |\"Go.\" |She went."},
      {"“Yes.” ‘No.’ (Maybe.) End", "“Yes.” |‘No.’ |(Maybe.) |End"},
      {"Line one\nLine two\n\nThree", "Line one\n|Line two\n|\nThree"},
      {"1. First item. 2. x", "1. First item. |2. x"},
      {"So am I. Then", "So am I. |Then"},
      {"你好。再见！好", "你好。|再见！|好"},
      {"At 5 p.m. we met. It was 5 p.m. We met.", "At 5 p.m. we met. |It was 5 p.m. |We met."},
      {"No. I won't.", "No. |I won't."},
      {"Really?! Yes.", "Really?! |Yes."},
      {"...", "..."},
      {"", ""},
      {"  \n ", "  \n "},
  };
  for (const Row& row : kRows) EXPECT_EQ(parted(row.text), row.parted);
}

TEST(SentenceSplitter, TheFirstClauseMayComeEarly) {
  const SplitterOptions options = {.first_clause = 10};
  EXPECT_EQ(
      parted("Well, this is the answer, and here is more, and more. Second, third, end.", options),
      "Well, this is the answer, |and here is more, and more. |Second, third, end.");
  EXPECT_EQ(parted("It costs 1,000,000 now.", options), "It costs 1,000,000 now.");
  EXPECT_EQ(split_sentences("Well, this is, so", options)[0].boundary, Boundary::kClause);
}

TEST(SentenceSplitter, NothingGrowsBeyondTheLongestPiece) {
  std::string words;
  for (int i = 0; i < 500; ++i) words += "word ";
  for (const std::string& text : {words, std::string(5000, 'x'), std::string(5000, '.')}) {
    std::string whole;
    for (const SpokenPiece& piece : split_sentences(text)) {
      EXPECT_LE(piece.text.size(), 470u);
      whole += piece.text;
    }
    EXPECT_EQ(whole, text);
  }
}

TEST(SentenceSplitter, APieceIsGivenAsSoonAsItIsSure) {
  SentenceSplitter splitter(kSentences);
  EXPECT_TRUE(splitter.push("Hello there.").empty());
  EXPECT_EQ(splitter.push(" ").size(), 1u);
  EXPECT_TRUE(splitter.push("Mr. ").empty());
  EXPECT_EQ(splitter.push("X ran! ").size(), 1u);
  EXPECT_TRUE(splitter.finish().empty());
}

TEST(SentenceSplitter, StreamedEqualsWholeAndLosesNothing) {
  constexpr std::string_view kWords[] = {
      "Hello", " ",    " ",     ". ",
      "...",   "Mr.",  "3.14",  "\n",
      "\"",    "e.g.", "…",     "。",
      ", ",    "; ",   "! ",    "?",
      "(",     ")",    "’",     "世",
      "x",     "U.S.", "Then",  "— ",
      "\xE2",  "\xFF", "etc. ", "a long run of words without any mark in it "};
  std::mt19937 random(6);
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    for (int n = random() % 40; n > 0; --n) text += kWords[random() % std::size(kWords)];
    const SplitterOptions options = {.first_clause = 8, .any_clause = 40, .longest = 60};
    const auto whole = split_sentences(text, options);
    SentenceSplitter splitter(options);
    std::vector<SpokenPiece> streamed;
    const auto add = [&](std::vector<SpokenPiece> pieces) {
      streamed.insert(streamed.end(), pieces.begin(), pieces.end());
    };
    for (size_t at = 0; at < text.size();) {
      const size_t size = 1 + random() % 7;
      add(splitter.push(std::string_view(text).substr(at, size)));
      at += size;
    }
    add(splitter.finish());
    ASSERT_EQ(streamed, whole) << text;
    std::string joined;
    for (const SpokenPiece& piece : whole) joined += piece.text;
    ASSERT_EQ(joined, text);
  }
}

}  // namespace
}  // namespace tenwatt::text
