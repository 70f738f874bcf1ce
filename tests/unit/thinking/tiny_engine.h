// A tiny random language model whose tokens are single letters, so that every prompt's length is
// known.
#pragma once

#include <gtest/gtest.h>

#include "thinking/conversation.h"
#include "unit/engine/tiny_models.h"

namespace tenwatt::thinking {

inline constexpr int64_t kContext = 512;

/// Control tokens 0 and 1, then the space, the line break and printable ASCII, as many as fit.
inline text::TokenizerSpec letters() {
  text::TokenizerSpec spec;
  spec.pre = "smollm";
  spec.tokens = {"<|im_start|>", "<|im_end|>", "Ġ", "Ċ"};
  for (char letter = 'A'; spec.tokens.size() < engine::testing::kVocabulary; ++letter) {
    if (letter > '~') letter = '!';
    spec.tokens.emplace_back(1, letter);
  }
  spec.types.assign(spec.tokens.size(), text::TokenType::kNormal);
  spec.types[0] = spec.types[1] = text::TokenType::kControl;
  spec.eos = 1;
  return spec;
}

inline std::shared_ptr<const LanguageEngine> tiny_engine(
    text::TokenizerSpec tokenizer = letters()) {
  models::LanguageModel model;
  model.name = model.architecture = "tiny";
  model.graph = engine::testing::tiny_llama(64, kContext);
  model.tokenizer = std::move(tokenizer);
  model.context = kContext;
  model.vocabulary = engine::testing::kVocabulary;
  auto engine = LanguageEngine::make(std::move(model), engine::testing::cpu_options());
  EXPECT_TRUE(engine) << engine.error().message;
  return *engine;
}

}  // namespace tenwatt::thinking
