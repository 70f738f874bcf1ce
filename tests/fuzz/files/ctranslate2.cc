#include "files/ctranslate2.h"

#include "fuzz/parser.h"
#include "unit/files/support/hostile.h"

namespace tenwatt::fuzz {
namespace {

using testing_files::ByteWriter;

ByteWriter& string(ByteWriter& to, const std::string& text) {
  return to.number<uint16_t>(text.size() + 1).raw(text).number(char{0});
}

ByteWriter& variable(ByteWriter& to, const std::string& name, std::vector<uint32_t> extents,
                     uint8_t type, const std::string& bytes) {
  string(to, name).number<uint8_t>(extents.size());
  for (const uint32_t extent : extents) to.number(extent);
  return to.number(type).number<uint32_t>(bytes.size()).raw(bytes);
}

std::string example() {
  ByteWriter to;
  string(to.number(uint32_t{6}), "WhisperSpec").number(uint32_t{3}).number(uint32_t{4});
  variable(to, "decoder/w", {2, 2}, 1, std::string("\1\2\3\4", 4));
  variable(to, "decoder/w_scale", {2}, 0, std::string(8, '\0'));
  variable(to, "encoder/half", {3}, 4, std::string("\0\x3c\0\x40\0\x42", 6));
  variable(to, "encoder/num_heads", {}, 2, std::string("\6\0", 2));
  to.number(uint32_t{1});
  return string(string(to, "decoder/projection"), "decoder/w").content;
}

bool accepts(std::string_view bytes) {
  const MemoryFile memory(bytes);
  const auto file = files::read_ctranslate2(memory.path());
  if (!file) return false;
  for (const files::Ctranslate2Variable& each : file->variables()) {
    (void)file->integer(each.name);
    if (const auto tensor = file->tensor(each.name)) (void)tensor->to_f32();
  }
  return true;
}

std::string example_config() {
  return R"({"alignment_heads": [[1, 0], [2, 3]], "lang_ids": [50259, 50260],
"suppress_ids": [1, 2, 7], "suppress_ids_begin": [220, 50256]})";
}

bool accepts_config(std::string_view bytes) {
  const MemoryFile memory(bytes);
  return files::read_ctranslate2_config(memory.path()).has_value();
}

const Registered kModel{{"ctranslate2", Cuts::kAreErrors, example, accepts}};
const Registered kConfig{{"ctranslate2_config", Cuts::kAreErrors, example_config, accepts_config}};

}  // namespace
}  // namespace tenwatt::fuzz
