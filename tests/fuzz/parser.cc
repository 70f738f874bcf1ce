#include "fuzz/parser.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>

namespace tenwatt::fuzz {

std::vector<Parser>& parsers() {
  static std::vector<Parser> all;
  return all;
}

MemoryFile::MemoryFile(std::string_view bytes)
    : descriptor_(::memfd_create("tenwatt", MFD_CLOEXEC)),
      path_("/proc/self/fd/" + std::to_string(descriptor_)) {
  const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
  if (written == static_cast<ssize_t>(bytes.size())) return;
  std::perror("a test's file in memory");
  std::exit(1);
}

MemoryFile::~MemoryFile() { ::close(descriptor_); }

ScratchFolder::ScratchFolder() {
  const bool in_memory = ::access("/dev/shm", W_OK) == 0;
  const std::filesystem::path parent =
      in_memory ? "/dev/shm" : std::filesystem::temp_directory_path();
  path_ = (parent / "tenwatt_XXXXXX").string();
  if (::mkdtemp(path_.data()) != nullptr) return;
  std::perror("a test's folder");
  std::exit(1);
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string ScratchFolder::write(const std::string& name, std::string_view bytes) const {
  std::ofstream(path(name), std::ios::binary | std::ios::trunc) << bytes;
  return path(name);
}

std::string mutant(std::string_view valid, int index) {
  if (index < kCuts) {
    return std::string(valid.substr(0, valid.size() * static_cast<size_t>(index) / kCuts));
  }
  std::string bytes(valid);
  std::mt19937 random(static_cast<uint32_t>(index));
  for (uint32_t flips = 1 + random() % 4; flips > 0; --flips) {
    constexpr uint8_t kEdges[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
    const auto edge = static_cast<char>(kEdges[random() % 5]);
    bytes[random() % bytes.size()] = random() % 2 == 0 ? edge : static_cast<char>(random());
  }
  return bytes;
}

}  // namespace tenwatt::fuzz
