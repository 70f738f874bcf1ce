// The rows of the format table, one per file of this folder. Only numbers/format.cc and the
// formats themselves include this.
#pragma once

#include "numbers/format.h"

namespace tenwatt::formats {

extern const FormatInfo kF32, kF16, kBF16, kF64;
extern const FormatInfo kI8, kU8, kI16, kU16, kI32, kU32, kI64, kU64, kBool;
extern const FormatInfo kQ4_0, kQ4_1, kQ8_0, kQ5_0, kQ5_1;
extern const FormatInfo kQ2_K, kQ3_K, kQ4_K, kQ5_K, kQ6_K;
extern const FormatInfo kIQ4_NL, kIQ4_XS, kMXFP4;

}  // namespace tenwatt::formats
