// Arithmetic of indices and extents; kernels can't use the standard library's (no weak symbols).
#pragma once

#include <cstdint>

#include "devices/cpu/simd/simd.h"

namespace {

TENWATT_INLINE int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
TENWATT_INLINE int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }
TENWATT_INLINE int64_t floor_div(int64_t a, int64_t b) {
  return a >= 0 ? a / b : -((-a + b - 1) / b);
}

}  // namespace
