#include "api/literal.h"

#include <charconv>
#include <cmath>
#include <cstring>
#include <string_view>
#include <vector>

namespace tenwatt {
namespace {

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> parts;
  while (true) {
    const size_t comma = text.find(',');
    parts.push_back(text.substr(0, comma));
    if (comma == std::string_view::npos) return parts;
    text.remove_prefix(comma + 1);
  }
}

std::unexpected<Error> no_number(std::string_view text, Format format) {
  return fail(ErrorCode::kInvalidArgument,
              "'" + std::string(text) + "' is no " + std::string(info(format).name),
              "write a number, or NAME=FILE.npy");
}

template <class T>
Status parse_into(const std::vector<std::string_view>& parts, Tensor& tensor) {
  std::span<T> values = tensor.mutable_values<T>();
  for (size_t i = 0; i < parts.size(); ++i) {
    const std::string_view part = parts[i];
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), values[i]);
    if (part.empty() || error != std::errc() || end != part.data() + part.size()) {
      return no_number(part, tensor.format());
    }
  }
  return {};
}

Status parse_truths(const std::vector<std::string_view>& parts, Tensor& tensor) {
  for (size_t i = 0; i < parts.size(); ++i) {
    const bool yes = parts[i] == "true" || parts[i] == "1";
    if (!yes && parts[i] != "false" && parts[i] != "0") return no_number(parts[i], Format::kBool);
    tensor.mutable_values<uint8_t>()[i] = yes ? 1 : 0;
  }
  return {};
}

Status parse_small_floats(const std::vector<std::string_view>& parts, Tensor& tensor) {
  const auto count = static_cast<int64_t>(parts.size());
  Tensor wide = TENWATT_TRY(Tensor::create(Format::kF32, {count}));
  TENWATT_TRY(parse_into<float>(parts, wide));
  const auto narrow = tensor.format() == Format::kF16 ? f32_to_f16 : f32_to_bf16;
  for (size_t i = 0; i < parts.size(); ++i) {
    tensor.mutable_values<uint16_t>()[i] = narrow(wide.values<float>()[i]);
  }
  return {};
}

Status parse(const std::vector<std::string_view>& parts, Tensor& tensor) {
  switch (tensor.format()) {
    case Format::kF32:
      return parse_into<float>(parts, tensor);
    case Format::kF64:
      return parse_into<double>(parts, tensor);
    case Format::kF16:
    case Format::kBF16:
      return parse_small_floats(parts, tensor);
    case Format::kBool:
      return parse_truths(parts, tensor);
    case Format::kI8:
      return parse_into<int8_t>(parts, tensor);
    case Format::kU8:
      return parse_into<uint8_t>(parts, tensor);
    case Format::kI16:
      return parse_into<int16_t>(parts, tensor);
    case Format::kU16:
      return parse_into<uint16_t>(parts, tensor);
    case Format::kI32:
      return parse_into<int32_t>(parts, tensor);
    case Format::kU32:
      return parse_into<uint32_t>(parts, tensor);
    case Format::kI64:
      return parse_into<int64_t>(parts, tensor);
    case Format::kU64:
      return parse_into<uint64_t>(parts, tensor);
    default:
      return fail(ErrorCode::kUnsupported,
                  std::string(info(tensor.format()).name) + " can't be written as text",
                  "write NAME=FILE.npy");
  }
}

}  // namespace

Result<Tensor> parse_literal(const std::string& text, Format format, size_t rank) {
  const std::vector<std::string_view> parts = split(text);
  if (rank > 1 || (rank == 0 && parts.size() != 1)) {
    return fail(ErrorCode::kInvalidArgument,
                "'" + text + "' has not as many axes: text gives a number or a list",
                "write NAME=FILE.npy");
  }
  Shape shape;
  if (rank == 1) shape.push_back(static_cast<int64_t>(parts.size()));
  Tensor tensor = TENWATT_TRY(Tensor::create(format, std::move(shape)));
  TENWATT_TRY(parse(parts, tensor));
  return tensor;
}

}  // namespace tenwatt
