// Cutting text at special tokens, against the definition: longest spelling first, each over all
// that is still plain.
#include "text/special_tokens.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace tenwatt::text {
namespace {

TokenizerSpec spec_of(const std::vector<std::string>& spellings) {
  TokenizerSpec spec;
  spec.tokens = spellings;
  spec.types.assign(spellings.size(), TokenType::kUserDefined);
  return spec;
}

/// The definition, one spelling after the other.
std::vector<std::string> by_definition(std::vector<std::string> spellings, std::string_view text) {
  std::ranges::stable_sort(spellings, std::ranges::greater{}, &std::string::size);
  struct Part {
    std::string_view text;
    bool token;
  };
  std::vector<Part> parts = {{text, false}};
  for (const std::string& spelling : spellings) {
    std::vector<Part> finer;
    for (Part part : parts) {
      size_t found;
      while (!part.token && (found = part.text.find(spelling)) != std::string_view::npos) {
        finer.push_back({part.text.substr(0, found), false});
        finer.push_back({part.text.substr(found, spelling.size()), true});
        part.text.remove_prefix(found + spelling.size());
      }
      finer.push_back(part);
    }
    parts = std::move(finer);
  }
  std::vector<std::string> out;
  for (const Part& part : parts) {
    if (!part.text.empty()) out.push_back((part.token ? "!" : "") + std::string(part.text));
  }
  return out;
}

std::vector<std::string> cut(const SpecialTokens& special, std::string_view text) {
  std::vector<std::string> out;
  for (const Fragment& fragment : special.cut(text, SpecialText::kPlain)) {
    out.push_back((fragment.token ? "!" : "") + std::string(fragment.text));
  }
  return out;
}

TEST(SpecialTokens, LongerOnesWinWhereverTheyBegin) {
  const SpecialTokens special(spec_of({"ab", "bcd", "c"}));
  EXPECT_EQ(cut(special, "abcd"), (std::vector<std::string>{"a", "!bcd"}));
  EXPECT_EQ(cut(special, "abc"), (std::vector<std::string>{"!ab", "!c"}));
}

TEST(SpecialTokens, EqualTheDefinitionOnRandomVocabulariesAndTexts) {
  std::mt19937 random(5);
  const auto word = [&](size_t most) {
    std::string out(1 + random() % most, 'a');
    for (char& c : out) c = static_cast<char>('a' + random() % 2);
    return out;
  };
  for (int round = 0; round < 3000; ++round) {
    std::vector<std::string> spellings(1 + random() % 6);
    for (std::string& spelling : spellings) spelling = word(5);
    const SpecialTokens special(spec_of(spellings));
    const std::string text = word(30);
    ASSERT_EQ(cut(special, text), by_definition(spellings, text)) << text;
  }
}

}  // namespace
}  // namespace tenwatt::text
