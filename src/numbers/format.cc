// The table of number formats, in the order of the enum.
#include "numbers/format.h"

#include <array>
#include <limits>
#include <string>

#include "numbers/formats/rows.h"

namespace tenwatt {
namespace {

using namespace formats;  // NOLINT(google-build-using-namespace): the rows and nothing else

// Built at the first use, not before main, where the rows might not be ready yet.
const auto& table() {
  static const std::array kTable{kF32,  kF16,  kBF16, kF64,  kI8,   kU8,     kI16,    kU16,  kI32,
                                 kU32,  kI64,  kU64,  kBool, kQ4_0, kQ4_1,   kQ8_0,   kQ5_0, kQ5_1,
                                 kQ2_K, kQ3_K, kQ4_K, kQ5_K, kQ6_K, kIQ4_NL, kIQ4_XS, kMXFP4};
  return kTable;
}

}  // namespace

const FormatInfo& info(Format format) { return table()[static_cast<size_t>(format)]; }

std::optional<Format> format_by_name(std::string_view name) {
  for (const FormatInfo& row : table()) {
    if (row.name == name) return row.format;
  }
  return std::nullopt;
}

std::span<const FormatInfo> all_formats() { return table(); }

Result<size_t> storage_bytes(Format format, int64_t elements) {
  const FormatInfo& row = info(format);
  if (elements < 0) {
    return fail(ErrorCode::kInvalidArgument, "a negative number of elements");
  }
  if (elements % row.block != 0) {
    return fail(ErrorCode::kInvalidArgument,
                std::to_string(elements) + " elements don't fill whole blocks of " +
                    std::to_string(row.block) + " (" + std::string(row.name) + ")");
  }
  const auto blocks = static_cast<uint64_t>(elements) / row.block;
  constexpr auto kMax = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  if (blocks > kMax / row.bytes) {
    return fail(ErrorCode::kOutOfRange, std::to_string(elements) + " elements of " +
                                            std::string(row.name) + " exceed any memory");
  }
  return static_cast<size_t>(blocks * row.bytes);
}

}  // namespace tenwatt
