#include "files/safetensors.h"

#include "fuzz/parser.h"
#include "unit/files/support/hostile.h"

namespace tenwatt::fuzz {
namespace {

std::string example() {
  const std::string table = R"({"__metadata__":{"format":"pt"},)"
                            R"("b":{"dtype":"BF16","shape":[2],"data_offsets":[8,12]},)"
                            R"("a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}})";
  testing_files::ByteWriter to;
  return to.number<uint64_t>(table.size()).raw(table).raw(std::string(12, '\1')).content;
}

std::string example_index() {
  return R"({"metadata":{"total_size":12},"weight_map":{"a":"model-00001-of-00001.safetensors",
"b":"model-00001-of-00001.safetensors"}})";
}

bool reads(const std::string& path) {
  const auto file = files::read_safetensors(path);
  if (!file) return false;
  for (const files::SafetensorsTensor& row : file->tensors()) {
    if (const auto tensor = file->tensor(row.name)) (void)tensor->to_f32();
  }
  return true;
}

const ScratchFolder& folder() {
  static const ScratchFolder one;
  return one;
}

bool accepts(std::string_view bytes) { return reads(folder().write("model.safetensors", bytes)); }

bool accepts_index(std::string_view bytes) {
  static const std::string shard = folder().write("model-00001-of-00001.safetensors", example());
  return reads(folder().write("model.safetensors.index.json", bytes));
}

const Registered kFile{{"safetensors", Cuts::kAreErrors, example, accepts}};
const Registered kIndex{{"safetensors_index", Cuts::kAreErrors, example_index, accepts_index}};

}  // namespace
}  // namespace tenwatt::fuzz
