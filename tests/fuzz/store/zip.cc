#include "store/zip.h"

#include <filesystem>

#include "fuzz/parser.h"
#include "unit/store/zip_writer.h"

namespace tenwatt::fuzz {
namespace {

std::string example() {
  return store::make_zip({{.name = "package/model.bin", .content = std::string(3000, 'm')},
                          {.name = "package/data", .content = "stored", .deflated = false}},
                         "a comment");
}

bool accepts(std::string_view bytes) {
  const MemoryFile memory(bytes);
  const auto zip = store::ZipReader::open(memory.path());
  if (!zip) return false;
  static const ScratchFolder folder;
  const std::string target = folder.path("member");
  bool good = true;
  for (const store::ZipMember& member : zip->members()) {
    const auto found = zip->find(member.name);
    good = good && found && zip->extract(*found, target);
    std::error_code ignored;
    std::filesystem::remove(target, ignored);
  }
  return good;
}

const Registered kZip{{"zip", Cuts::kAreErrors, example, accepts}};

}  // namespace
}  // namespace tenwatt::fuzz
