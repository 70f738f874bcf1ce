// The hand-written scanners against the regular expressions that they stand for.
#include "text/pretokenizer.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "materials.h"

namespace tenwatt::text {
namespace {

TEST(PreTokenizer, CutsWhereTheRegularExpressionsCut) {
  const auto record = nlohmann::json::parse(recorded("pretokenizer.json"));
  for (const char* family : {"gpt-2", "smollm", "qwen2", "llama-bpe", "qwen35", "default"}) {
    const auto pre = find_pre_tokenizer(family);
    ASSERT_TRUE(pre);
    for (const auto& c : record["cases"]) {
      const auto text = c["text"].get<std::string>();
      std::vector<size_t> lengths;
      for (const auto piece : split_pieces(**pre, text)) lengths.push_back(piece.size());
      EXPECT_EQ(lengths, c[family].get<std::vector<size_t>>()) << family << ": " << c["text"];
    }
  }
}

}  // namespace
}  // namespace tenwatt::text
