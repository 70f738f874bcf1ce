// What processor this is and which kernels it can run.
//
// A level is a set of instructions that one copy of the kernels is compiled for. The probe asks
// the processor and, for wide registers, whether the operating system saves them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "devices/cpu/kernels/table.h"

namespace tenwatt::cpu {

enum class Level : uint8_t {
  kV2,          ///< x86-64-v2 (SSE4.2)
  kAvx2,        ///< AVX2, FMA, F16C, BMI2
  kAvx512,      ///< AVX-512 F, BW, VL, DQ, VNNI, VBMI
  kAvx512Bf16,  ///< the same with dot products of bf16
  kNeon,        ///< ARMv8.2-A with dot products and half floats
  kI8mm,        ///< the same with products of int8 matrices (ARMv8.6-A)
};

std::string_view level_name(Level level);
std::optional<Level> level_by_name(std::string_view name);

/// The levels compiled into this build that this machine can run, slowest first. Never empty on a
/// supported machine.
std::span<const Level> usable_levels();
/// The fastest of them.
Level best_level();
/// The processor's own name ("AMD EPYC"), or the architecture's.
const std::string& processor_name();

/// The kernels of a level. `level` must be usable.
const KernelTable& kernels(Level level);

}  // namespace tenwatt::cpu
