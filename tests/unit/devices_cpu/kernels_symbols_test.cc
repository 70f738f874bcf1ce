// Kernel objects must not export inline functions: the linker keeps one copy of a weak symbol, and
// the copy compiled for AVX-512 would end a program on a lesser machine.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>

#include "unit/devices_cpu/kernels_support.h"

namespace tenwatt::cpu {
namespace {

std::string output_of(const std::string& command) {
  std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  if (!pipe) return "could not run " + command;
  std::string text;
  std::array<char, 4096> buffer;
  size_t n = 0;
  while ((n = fread(buffer.data(), 1, buffer.size(), pipe.get())) > 0)
    text.append(buffer.data(), n);
  return text;
}

TEST(KernelObjects, ExportNoWeakSymbols) {
  std::ifstream list(std::string(TENWATT_BINARY_DIR) + "/kernel_objects.txt");
  if (!list) GTEST_SKIP() << "no kernel_objects.txt in the build folder";
  if (output_of("nm --version 2>/dev/null").empty()) GTEST_SKIP() << "nm is not installed";
  int objects = 0;
  for (std::string path; std::getline(list, path);) {
    if (path.empty()) continue;
    ++objects;
    EXPECT_EQ(output_of("nm -C '" + path + "' 2>&1 | grep -E ' [WVuvw] '"), "") << path;
  }
  EXPECT_GT(objects, 0);
}

TEST(Probe, NamesLevelsAndFindsOne) {
  ASSERT_FALSE(usable_levels().empty());
  for (const Level level : usable_levels()) {
    EXPECT_EQ(level_by_name(level_name(level)), level);
    EXPECT_EQ(kernels(level).name, level_name(level));
  }
  EXPECT_EQ(best_level(), usable_levels().back());
  EXPECT_FALSE(level_by_name("sse9").has_value());
  EXPECT_FALSE(processor_name().empty());
}

}  // namespace
}  // namespace tenwatt::cpu
