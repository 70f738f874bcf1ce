#include "devices/cpu/kernels/integer_panels.h"

#include <algorithm>
#include <cstring>

namespace tenwatt::cpu {

void pack_integer_panel(const ByteMatrix& matrix, int64_t panel, std::byte* out) {
  const int64_t first = panel * kPanelRows;
  const int64_t rows = std::min(kPanelRows, matrix.outputs - first);
  const int64_t fours = (matrix.k + 3) / 4;
  auto* codes = reinterpret_cast<uint8_t*>(out);
  std::memset(codes, 0, integer_panel_bytes(matrix.k));
  int32_t sums[kPanelRows] = {};
  for (int64_t i = 0; i < matrix.k; ++i) {
    const uint8_t* from = matrix.bytes + i * matrix.k_step + first * matrix.output_step;
    uint8_t* to = codes + i / 4 * 64 + i % 4;
    for (int64_t r = 0; r < rows; ++r) {
      const auto code = static_cast<int8_t>(from[r * matrix.output_step] ^ matrix.flip);
      to[4 * r] = static_cast<uint8_t>(code + 128);
      sums[r] += code;
    }
  }
  std::memcpy(codes + fours * 64, sums, sizeof sums);
}

}  // namespace tenwatt::cpu
