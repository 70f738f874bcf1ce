// See probe.h. CPUID says what the processor has, XGETBV which registers the system saves.
#include "devices/cpu/probe/probe.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__)
#include <sys/auxv.h>
#endif

namespace tenwatt::cpu {

#define TENWATT_DECLARE_LEVEL(level) \
  namespace level {                  \
  const KernelTable& table();        \
  }
#if defined(TENWATT_HAS_LEVEL_v2)
TENWATT_DECLARE_LEVEL(v2)
TENWATT_DECLARE_LEVEL(avx2)
TENWATT_DECLARE_LEVEL(avx512)
namespace avx512bf16 {
void conv1d_bf16(const Conv1d& job);
void conv_transpose1d_bf16(const ConvTranspose1d& job);
}  // namespace avx512bf16
#endif
#if defined(TENWATT_HAS_LEVEL_neon)
TENWATT_DECLARE_LEVEL(neon)
TENWATT_DECLARE_LEVEL(i8mm)
#endif
#undef TENWATT_DECLARE_LEVEL

namespace {

struct LevelRow {
  Level level;
  std::string_view name;
  const KernelTable& (*table)();
  bool (*usable)();
};

#if defined(__x86_64__)

struct Registers {
  uint32_t a = 0, b = 0, c = 0, d = 0;
};
Registers cpuid(uint32_t leaf, uint32_t subleaf = 0) {
  Registers r;
  if (__get_cpuid_count(leaf, subleaf, &r.a, &r.b, &r.c, &r.d) == 0) return {};
  return r;
}
bool all_bits(uint32_t word, std::initializer_list<int> bits) {
  return std::all_of(bits.begin(), bits.end(), [=](int bit) { return (word >> bit) & 1; });
}

// XCR0: the register files that the operating system saves (bits: 1 SSE, 2 AVX, 5-7 AVX-512).
uint32_t saved_registers() {
  if (!all_bits(cpuid(1).c, {27})) return 0;  // OSXSAVE
  uint32_t low = 0, high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

bool has_v2() { return all_bits(cpuid(1).c, {0, 9, 13, 19, 20, 23}); }  // SSE3 .. SSE4.2, POPCNT
bool has_avx2() {
  return has_v2() && all_bits(saved_registers(), {1, 2}) &&
         all_bits(cpuid(1).c, {12, 28, 29}) &&  // FMA, AVX, F16C
         all_bits(cpuid(7).b, {3, 5, 8});       // BMI1, AVX2, BMI2
}
bool has_avx512() {
  return has_avx2() && all_bits(saved_registers(), {5, 6, 7}) &&
         all_bits(cpuid(7).b, {16, 17, 30, 31}) &&  // F, DQ, BW, VL
         all_bits(cpuid(7).c, {1, 11});             // VBMI, VNNI
}

bool has_avx512bf16() { return has_avx512() && all_bits(cpuid(7, 1).a, {5}); }

const KernelTable& avx512bf16_table() {
  static const KernelTable table = [] {
    KernelTable made = avx512::table();
    made.name = "avx512bf16";
    made.conv1d_bf16 = avx512bf16::conv1d_bf16;
    made.conv_transpose1d_bf16 = avx512bf16::conv_transpose1d_bf16;
    return made;
  }();
  return table;
}

constexpr std::array kLevels = {
    LevelRow{Level::kV2, "v2", v2::table, has_v2},
    LevelRow{Level::kAvx2, "avx2", avx2::table, has_avx2},
    LevelRow{Level::kAvx512, "avx512", avx512::table, has_avx512},
    LevelRow{Level::kAvx512Bf16, "avx512bf16", avx512bf16_table, has_avx512bf16},
};

std::string read_processor_name() {
  if (cpuid(0x80000000).a < 0x80000004) return "x86-64";
  std::string name(48, '\0');
  for (uint32_t leaf = 0; leaf < 3; ++leaf) {
    const Registers r = cpuid(0x80000002 + leaf);
    std::memcpy(name.data() + 16 * leaf, &r, sizeof r);
  }
  name.resize(std::strlen(name.c_str()));
  const size_t first = name.find_first_not_of(' ');
  if (first == std::string::npos) return "x86-64";
  return name.substr(first, name.find_last_not_of(' ') - first + 1);
}

#elif defined(__aarch64__)

bool has_neon() {
  constexpr unsigned long kHalfFloats = 1ul << 10;   // HWCAP_ASIMDHP
  constexpr unsigned long kDotProducts = 1ul << 20;  // HWCAP_ASIMDDP
  const unsigned long bits = getauxval(AT_HWCAP);
  return (bits & kHalfFloats) && (bits & kDotProducts);
}

bool has_i8mm() {
  constexpr unsigned long kMatrixProducts = 1ul << 13;  // HWCAP2_I8MM
  return has_neon() && (getauxval(AT_HWCAP2) & kMatrixProducts);
}

constexpr std::array kLevels = {
    LevelRow{Level::kNeon, "neon", neon::table, has_neon},
    LevelRow{Level::kI8mm, "i8mm", i8mm::table, has_i8mm},
};

std::string read_processor_name() { return "AArch64"; }

#endif

// Names of every level there is, also of those this build lacks.
constexpr std::array<std::pair<Level, std::string_view>, 6> kNames = {{
    {Level::kV2, "v2"},
    {Level::kAvx2, "avx2"},
    {Level::kAvx512, "avx512"},
    {Level::kAvx512Bf16, "avx512bf16"},
    {Level::kNeon, "neon"},
    {Level::kI8mm, "i8mm"},
}};

std::vector<Level> find_usable_levels() {
  std::vector<Level> usable;
  for (const LevelRow& row : kLevels) {
    if (row.usable()) usable.push_back(row.level);
  }
  return usable;
}

}  // namespace

std::string_view level_name(Level level) {
  for (const auto& [each, name] : kNames) {
    if (each == level) return name;
  }
  return "unknown";
}

std::optional<Level> level_by_name(std::string_view name) {
  for (const auto& [level, each] : kNames) {
    if (each == name) return level;
  }
  return std::nullopt;
}

std::span<const Level> usable_levels() {
  static const std::vector<Level> usable = find_usable_levels();
  return usable;
}

Level best_level() {
  const auto usable = usable_levels();
  return usable.empty() ? kLevels.front().level : usable.back();
}

const std::string& processor_name() {
  static const std::string name = read_processor_name();
  return name;
}

const KernelTable& kernels(Level level) {
  for (const LevelRow& row : kLevels) {
    if (row.level == level) return row.table();
  }
  return kLevels.front().table();
}

}  // namespace tenwatt::cpu
