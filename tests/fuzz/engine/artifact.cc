#include "engine/run/artifact.h"

#include <cstring>
#include <fstream>

#include "base/paths.h"
#include "fuzz/parser.h"

namespace tenwatt::fuzz {
namespace {

constexpr const char* kKey = "0123456789abcdef";

const ScratchFolder& folder() {
  static const ScratchFolder one;
  return one;
}

std::string example() {
  const engine::ArtifactStore store(folder().path("artifacts"));
  engine::MemoryArtifact artifact;
  for (const char* name : {"weight/0", "weight/1"}) {
    if (const auto piece = artifact.add(name, 300)) std::memset(piece->data(), 7, piece->size());
  }
  if (!store.write(kKey, artifact)) return {};
  return read_file(store.path(kKey), size_t{1} << 20).value_or("");
}

bool accepts(std::string_view bytes) {
  static Team team(1);
  const engine::ArtifactStore store(folder().path("artifacts"));
  std::ofstream(store.path(kKey), std::ios::binary) << bytes;
  const auto artifact = store.read(kKey, team);
  return artifact && *artifact != nullptr;
}

const Registered kArtifact{{"artifact", Cuts::kAreErrors, example, accepts}};

}  // namespace
}  // namespace tenwatt::fuzz
