#include "numbers/onnx_types.h"

#include <optional>
#include <string>
#include <string_view>

namespace tenwatt {
namespace {

struct TypeRow {
  std::string_view name;
  std::optional<Format> format;
};

/// By number.
constexpr TypeRow kTypes[] = {
    {"undefined", {}},
    {"float32", Format::kF32},
    {"uint8", Format::kU8},
    {"int8", Format::kI8},
    {"uint16", Format::kU16},
    {"int16", Format::kI16},
    {"int32", Format::kI32},
    {"int64", Format::kI64},
    {"string", {}},
    {"bool", Format::kBool},
    {"float16", Format::kF16},
    {"float64", Format::kF64},
    {"uint32", Format::kU32},
    {"uint64", Format::kU64},
    {"complex64", {}},
    {"complex128", {}},
    {"bfloat16", Format::kBF16},
    {"float8e4m3fn", {}},
    {"float8e4m3fnuz", {}},
    {"float8e5m2", {}},
    {"float8e5m2fnuz", {}},
    {"uint4", {}},
    {"int4", {}},
    {"float4e2m1", {}},
    {"float8e8m0", {}},
};

}  // namespace

Result<Format> format_of_onnx(int64_t data_type) {
  const bool known = data_type >= 0 && data_type < static_cast<int64_t>(std::size(kTypes));
  if (known && kTypes[data_type].format) return *kTypes[data_type].format;
  return fail(ErrorCode::kUnsupported,
              "elements of ONNX's type " +
                  (known ? std::string(kTypes[data_type].name) : std::to_string(data_type)),
              "export the model with floats of 16 bits or more, integers of 8 or more, or bools");
}

}  // namespace tenwatt
