#include "files/npy.h"

#include "fuzz/parser.h"

namespace tenwatt::fuzz {
namespace {

std::string example() {
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }";
  header.resize(117, ' ');
  return std::string("\x93NUMPY\1\0\x76\0", 10) + header + "\n" + std::string(24, '\1');
}

bool accepts(std::string_view bytes) {
  const MemoryFile memory(bytes);
  return files::read_npy(memory.path()).has_value();
}

const Registered kNpy{{"npy", Cuts::kAreErrors, example, accepts}};

}  // namespace
}  // namespace tenwatt::fuzz
