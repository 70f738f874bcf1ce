#include "files/whisper_cpp.h"

#include "fuzz/parser.h"
#include "unit/files/support/hostile.h"

namespace tenwatt::fuzz {
namespace {

using testing_files::ByteWriter;

ByteWriter& tensor(ByteWriter& to, const std::string& name, int32_t type,
                   std::vector<int32_t> extents, const std::string& bytes) {
  to.number<int32_t>(extents.size()).number<int32_t>(name.size()).number(type);
  for (const int32_t extent : extents) to.number(extent);
  return to.raw(name).raw(bytes);
}

std::string example() {
  ByteWriter to;
  to.number(uint32_t{0x67676d6c});
  for (const int32_t size : {8, 5, 64, 1, 1, 12, 64, 1, 1, 3, 1}) to.number(size);
  to.number(3).number(201).raw(std::string(3 * 201 * 4, '\1')).number(4);
  for (const std::string word : {"a", "", "\xe2\x82", " the"}) {
    to.number<int32_t>(word.size()).raw(word);
  }
  tensor(to, "encoder.ln_post.bias", 0, {2}, std::string(8, '\1'));
  tensor(to, "encoder.conv1.weight", 1, {3, 2, 1}, std::string(12, '\2'));
  tensor(to, "decoder.token_embedding.weight", 8, {32, 1}, std::string(34, '\3'));
  return to.content;
}

bool accepts(std::string_view bytes) {
  const MemoryFile memory(bytes);
  const auto file = files::read_whisper_cpp(memory.path());
  if (!file) return false;
  for (const files::GgmlTensor& row : file->tensors()) {
    if (const auto each = file->tensor(row.name)) (void)each->to_f32();
  }
  return true;
}

const Registered kWhisperCpp{{"whisper_cpp", Cuts::kMayBeValid, example, accepts}};

}  // namespace
}  // namespace tenwatt::fuzz
