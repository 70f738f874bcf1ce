// A GGUF model in two files, of which one is attacked and the other is right.
#include "files/gguf.h"
#include "fuzz/parser.h"
#include "unit/files/support/hostile.h"

namespace tenwatt::fuzz {
namespace {

using testing_files::ByteWriter;

ByteWriter& string(ByteWriter& to, const std::string& text) {
  return to.number<uint64_t>(text.size()).raw(text);
}

// One of the two parts, with one tensor.
std::string part(uint16_t number) {
  ByteWriter to;
  to.raw("GGUF").number(uint32_t{3}).number(uint64_t{1}).number(uint64_t{4});
  string(string(to, "general.architecture").number(8), "llama");
  string(to, "split.no").number(2).number(number);
  string(to, "split.count").number(2).number(uint16_t{2});
  string(to, "split.tensors.count").number(5).number(int32_t{2});
  string(to, "tensor." + std::to_string(number)).number(uint32_t{1}).number(int64_t{4});
  to.number(0).number(uint64_t{0});
  return to.pad_to(32).raw(std::string(16, '\1')).content;
}

constexpr const char* kNames[] = {"model-00001-of-00002.gguf", "model-00002-of-00002.gguf"};

bool accepts(size_t attacked, std::string_view bytes) {
  static const ScratchFolder folder;
  folder.write(kNames[1 - attacked], part(static_cast<uint16_t>(1 - attacked)));
  folder.write(kNames[attacked], bytes);
  const auto file = files::read_gguf(folder.path(kNames[0]));
  if (!file) return false;
  for (const files::GgmlTensor& row : file->tensors()) {
    if (const auto tensor = file->tensor(row.name)) (void)tensor->to_f32();
  }
  return true;
}

const Registered kFirst{{"gguf_split_first", Cuts::kAreErrors, [] { return part(0); },
                         [](std::string_view bytes) { return accepts(0, bytes); }}};
const Registered kSecond{{"gguf_split_second", Cuts::kAreErrors, [] { return part(1); },
                          [](std::string_view bytes) { return accepts(1, bytes); }}};

}  // namespace
}  // namespace tenwatt::fuzz
