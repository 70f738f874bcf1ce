// A GGUF file on its way to a language model: hyperparameters, tensors, tokeniser and the graph.
#include "models/language_model.h"

#include "base/paths.h"
#include "fuzz/parser.h"
#include "text/tokenizer.h"

namespace tenwatt::fuzz {
namespace {

std::string example() {
  return read_file(TENWATT_SOURCE_DIR "/tests/reference/data/families/qwen2.gguf", size_t{1} << 20)
      .value_or("");
}

bool accepts(std::string_view bytes) {
  const MemoryFile memory(bytes);
  auto model = models::read_language_model(memory.path());
  if (!model) return false;
  const auto tokenizer = text::make_tokenizer(std::move(model->tokenizer));
  if (!tokenizer) return false;
  (void)(*tokenizer)
      ->encode("a b\n\xff",
               {.special = text::SpecialText::kParse, .add = text::AddSpecial::kAsModelAsks});
  return true;
}

const Registered kModel{{"language_model", Cuts::kAreErrors, example, accepts}};

}  // namespace
}  // namespace tenwatt::fuzz
