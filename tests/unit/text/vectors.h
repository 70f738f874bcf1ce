// Recorded ids of the texts that every vocabulary was asked for, and how a tokeniser is held
// against them. Where the model's two reference programs disagree on a text, either answer counts.
#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "materials.h"
#include "text/tokenizer.h"

namespace tenwatt::text {

/// The tokeniser of a model in the models folder; none if it isn't there.
inline std::unique_ptr<Tokenizer> tokenizer_of(const std::string& file) {
  auto spec = spec_of_gguf(models_folder() / file);
  if (!spec) return nullptr;
  auto tokenizer = make_tokenizer(std::move(*spec));
  if (!tokenizer) ADD_FAILURE() << tokenizer.error().message;
  return tokenizer ? std::move(*tokenizer) : nullptr;
}

/// Checks all three forms of every text and what decoding gives back.
inline void expect_recorded_ids(const Tokenizer& tokenizer, const std::string& name) {
  using Ids = std::vector<TokenId>;
  const auto lines = file_text(shared_folder() / "data/tokenizer" / (name + ".jsonl"));
  if (!lines) GTEST_SKIP() << "no shared material in " << shared_folder();
  std::istringstream stream(*lines);
  int count = 0;
  for (std::string line; std::getline(stream, line); ++count) {
    const nlohmann::json c = nlohmann::json::parse(line);
    const auto text = c["text"].get<std::string>();
    SCOPED_TRACE(line.substr(0, 300));
    // One of the two takes `</s>` for a control token, whatever the file says of it.
    const bool has_end = text.contains("</s>");
    const auto expect = [&](const Ids& ids, const char* form) {
      if (c.contains("hf_ids") && ids == c["hf_ids"].get<Ids>()) return;
      if (has_end && ids == c["ids"].get<Ids>()) return;
      EXPECT_EQ(ids, c[form].get<Ids>()) << form;
    };
    const Ids ids = tokenizer.encode(text, {.special = SpecialText::kParse});
    expect(ids, "ids");
    expect(tokenizer.encode(text, {}), "ids_no_special");
    expect(tokenizer.encode(text, {SpecialText::kParse, AddSpecial::kAsModelAsks}),
           "ids_add_special");
    EXPECT_EQ(tokenizer.decode(ids), c.value("detokenized", text));
  }
  EXPECT_EQ(count, 150);
}

}  // namespace tenwatt::text
