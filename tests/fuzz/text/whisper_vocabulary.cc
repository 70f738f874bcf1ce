#include "text/whisper_vocabulary.h"

#include "fuzz/parser.h"

namespace tenwatt::fuzz {
namespace {

// As many lines as Whisper's English vocabulary has tokens.
std::string example_lines() {
  std::string text;
  for (int id = 0; id < 51864; ++id) text += static_cast<char>('a' + id % 26) + std::string("\n");
  return text;
}

bool accepts_lines(std::string_view bytes) {
  return text::whisper_spec_from_vocabulary(bytes).has_value();
}

// Ids may leave gaps, so the last one alone gives the vocabulary its size.
std::string example_json() {
  return R"({"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2}},
"added_tokens":[{"id":51863,"content":"<|30.00|>","special":true}]})";
}

bool accepts_json(std::string_view bytes) {
  return text::whisper_spec_from_tokenizer_json(bytes).has_value();
}

const Registered kLines{{"whisper_vocabulary", Cuts::kMayBeValid, example_lines, accepts_lines}};
const Registered kJson{{"whisper_tokenizer", Cuts::kAreErrors, example_json, accepts_json}};

}  // namespace
}  // namespace tenwatt::fuzz
