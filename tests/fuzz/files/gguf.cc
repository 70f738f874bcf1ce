#include "files/gguf.h"

#include "fuzz/parser.h"
#include "unit/files/support/hostile.h"

namespace tenwatt::fuzz {
namespace {

using testing_files::ByteWriter;

ByteWriter& string(ByteWriter& to, const std::string& text) {
  return to.number<uint64_t>(text.size()).raw(text);
}

// A value of every type, and tensors of a float, a small-block and a large-block format.
std::string example() {
  ByteWriter to;
  to.raw("GGUF").number(uint32_t{3}).number(uint64_t{3}).number(uint64_t{9});
  string(string(to, "general.architecture").number(8), "llama");
  string(to, "llama.block_count").number(4).number(uint32_t{2});
  string(to, "llama.rope.freq_base").number(6).number(10000.5f);
  string(to, "llama.scale").number(12).number(0.25);
  string(to, "llama.signed").number(5).number(int32_t{-7});
  string(to, "llama.wide").number(10).number(uint64_t{1} << 40);
  string(to, "llama.tied").number(7).number(uint8_t{1});
  string(to, "llama.heads").number(9).number(4).number(uint64_t{2}).number(3).number(0);
  string(to, "tokenizer.ggml.tokens").number(9).number(8).number(uint64_t{2});
  string(string(to, "a"), "bcd");
  string(to, "token_embd.weight").number(uint32_t{2}).number(int64_t{2}).number(int64_t{3});
  to.number(0).number(uint64_t{0});
  string(to, "packed.weight").number(uint32_t{2}).number(int64_t{32}).number(int64_t{2});
  to.number(2).number(uint64_t{32});
  string(to, "later.weight").number(uint32_t{1}).number(int64_t{256}).number(12);
  to.number(uint64_t{96});
  to.pad_to(32).raw(std::string(24, '\1')).pad_to(32).raw(std::string(36, '\2')).pad_to(32);
  return to.raw(std::string(144, '\3')).content;
}

bool accepts(std::string_view bytes) {
  const MemoryFile memory(bytes);
  const auto file = files::read_gguf(memory.path());
  if (!file) return false;
  for (const std::string_view key : file->keys()) {
    (void)file->integer(key);
    (void)file->real(key);
    (void)file->flag(key, false);
    (void)file->text(key);
    (void)file->integers(key);
    (void)file->reals(key);
    (void)file->texts(key);
  }
  for (const files::GgmlTensor& row : file->tensors()) {
    if (const auto tensor = file->tensor(row.name)) (void)tensor->to_f32();
  }
  return true;
}

const Registered kGguf{{"gguf", Cuts::kAreErrors, example, accepts}};

}  // namespace
}  // namespace tenwatt::fuzz
