// What is left of written text for the ear, and that pieces give what the whole gives.
#include "text/spoken_filter.h"

#include <gtest/gtest.h>

#include <random>

namespace tenwatt::text {
namespace {

struct Row {
  const char* written;
  const char* spoken;
};

TEST(SpokenFilter, KeepsTheWordsAndDropsTheMarks) {
  constexpr Row kRows[] = {
      {"Plain text, 2 * 3 = 6, a_b and 5 < 6.", "Plain text, 2 * 3 = 6, a_b and 5 < 6."},
      {"# Title\n\n## Second ##ish\nText", "Title\n\nSecond ##ish\nText"},
      {"**bold**, *it*, ***both***, __b__, _i_, ~~gone~~", "bold, it, both, b, i, gone"},
      {"- one\n* two\n+ three\n  - four", "one\ntwo\nthree\nfour"},
      {"1. First\n2) Second\n1990. No", "1, First\n2, Second\n1990. No"},
      {"- [ ] todo\n- [x] done", "todo\ndone"},
      {"> quoted\n> more", "quoted\nmore"},
      {"above\n\n---\n\nbelow\n***\nend", "above\n\nbelow\n\nend"},
      {"Title\n=====\ntext", "Title\n\ntext"},
      {"| a | b |\n|---|:-:|\n| 1 | 2 |", "a, b\n\n1, 2"},
      {"See [the docs](https://x.org/a(b)c) now", "See the docs now"},
      {"![alt text](pic.png)Hello[^1] there[2].", "Hello there."},
      {"[ref][id] and [plain] x", "ref and [plain] x"},
      {"Go to https://www.example.com/path?q=1, or www.test.org.",
       "Go to example.com, or test.org."},
      {"<https://a.io/x> mail <me@x.org>", "a.io mail me@x.org"},
      {"Use `print` and `x = y + 1`.", "Use print and."},
      {"Before\n```python\nprint('hi')\n```\nAfter", "Before\n\nAfter"},
      {"~~~\ncode\n```\n~~~\nx", "x"},
      {"```\nnever closed", ""},
      {"Hi 👋🏽 there 👩‍🚀! ❤️ 1️⃣", "Hi there! 1"},
      {"Great🎉day", "Great day"},
      {"<think>secret **x**</think>Answer", "Answer"},
      {"<tool_call>{\"name\": \"f\"}</tool_call>Done<|im_end|>", "Done"},
      {"<think>never ends", ""},
      {"a<br>b <b>c</b> x<y> 1<2", "a\nb c x<y> 1<2"},
      {"fish &amp; chips &lt; &nosuch;", "fish & chips < &nosuch;"},
      {"\\*not it\\* and C:\\dir", "*not it* and C:\\dir"},
      {"tab\there\x01\x7F\u200B\r\nnext\rline", "tab here\nnext\nline"},
      {"bad \xFF\xC3 bytes", "bad bytes"},
      {"\n\n\n  a   b  \n\n\n\nc  ", "a b\n\nc"},
      {"Ünïcode 世界 नमस्ते", "Ünïcode 世界 नमस्ते"},
      {"", ""},
  };
  for (const Row& row : kRows) EXPECT_EQ(spoken_text(row.written), row.spoken) << row.written;
}

TEST(SpokenFilter, WordsComeOutAtOnce) {
  SpokenFilter filter;
  EXPECT_EQ(filter.push("Good morning"), "Good morning");
  EXPECT_EQ(filter.push(", you."), ", you.");
  EXPECT_EQ(filter.push(" <"), "");
  EXPECT_EQ(filter.push("think>hm"), "");
  EXPECT_EQ(filter.push("m</think"), "");
  EXPECT_EQ(filter.push("> Yes"), " Yes");
  EXPECT_EQ(filter.finish(), "");
}

TEST(SpokenFilter, PiecesGiveWhatTheWholeGives) {
  constexpr std::string_view kParts[] = {"word",
                                         " ",
                                         "\n",
                                         "\n\n",
                                         "**",
                                         "*",
                                         "_",
                                         "`",
                                         "```",
                                         "~~~",
                                         "# ",
                                         "- ",
                                         "1. ",
                                         "> ",
                                         "|",
                                         "|---|",
                                         "[",
                                         "]",
                                         "(",
                                         ")",
                                         "](",
                                         "![",
                                         "https://a.b/c",
                                         "www.",
                                         "http",
                                         "<think>",
                                         "</think>",
                                         "<",
                                         ">",
                                         "<br>",
                                         "<|x|>",
                                         "<!--",
                                         "-->",
                                         "&amp;",
                                         "&",
                                         "\\",
                                         "🎉",
                                         "👩‍🚀",
                                         "\xF0",
                                         "\x9F",
                                         "é",
                                         "\r",
                                         "\t",
                                         "12",
                                         ".",
                                         ",",
                                         "!",
                                         "---",
                                         "===",
                                         "•",
                                         "<b",
                                         "tool_call",
                                         "</",
                                         "x@y.z",
                                         "~~",
                                         "h",
                                         "w"};
  std::mt19937 random(7);
  for (int round = 0; round < 20000; ++round) {
    std::string text;
    for (int n = random() % 24; n > 0; --n) text += kParts[random() % std::size(kParts)];
    SpokenFilter filter;
    std::string streamed;
    for (size_t at = 0; at < text.size();) {
      const size_t size = 1 + random() % 5;
      streamed += filter.push(std::string_view(text).substr(at, size));
      at += size;
    }
    streamed += filter.finish();
    ASSERT_EQ(streamed, spoken_text(text)) << text;
    ASSERT_EQ(streamed.find_first_of("\x01\r\t"), std::string::npos);
    ASSERT_FALSE(streamed.contains("🎉"));
  }
}

TEST(SpokenFilter, LongHostileTextTakesReasonableTime) {
  for (const char* part :
       {"[", "`", "<a ", "![", "www.", "*", "|", "[a](b)", "<think>", "&", "- ", "> "}) {
    std::string text;
    while (text.size() < 200000) text += part;
    spoken_text(text);
  }
}

}  // namespace
}  // namespace tenwatt::text
