// TensorProto to Tensor: raw bytes, typed fields and external files.
#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

#include "base/memory.h"
#include "files/onnx.h"
#include "files/tensor_bytes.h"
#include "numbers/onnx_types.h"
#include "onnx_proto/onnx.pb.h"

namespace tenwatt::files {
namespace {

using onnx::TensorProto;

// Copies a typed field, whose elements may be wider than ours (int32_data holds int8 and f16 bits).
template <class To, class Field>
Result<Tensor> from_field(Format format, Shape shape, const Field& field) {
  const int64_t count = TENWATT_TRY(checked_elements(shape));
  if (count != field.size()) {
    return fail(ErrorCode::kCorrupt,
                std::to_string(field.size()) + " elements for the shape " + to_string(shape));
  }
  Tensor tensor = TENWATT_TRY(Tensor::create(format, std::move(shape)));
  const std::span<To> to = tensor.mutable_values<To>();
  for (int64_t i = 0; i < count; ++i) {
    to[static_cast<size_t>(i)] = static_cast<To>(field.Get(static_cast<int>(i)));
  }
  return tensor;
}

Result<Tensor> from_typed_fields(Format format, Shape shape, const TensorProto& proto) {
  const auto& ints = proto.int32_data();
  switch (format) {
    case Format::kF32:
      return from_field<float>(format, std::move(shape), proto.float_data());
    case Format::kF64:
      return from_field<double>(format, std::move(shape), proto.double_data());
    case Format::kI64:
      return from_field<int64_t>(format, std::move(shape), proto.int64_data());
    case Format::kU32:
      return from_field<uint32_t>(format, std::move(shape), proto.uint64_data());
    case Format::kU64:
      return from_field<uint64_t>(format, std::move(shape), proto.uint64_data());
    case Format::kI32:
      return from_field<int32_t>(format, std::move(shape), ints);
    case Format::kI8:
      return from_field<int8_t>(format, std::move(shape), ints);
    case Format::kU8:
      return from_field<uint8_t>(format, std::move(shape), ints);
    case Format::kI16:
      return from_field<int16_t>(format, std::move(shape), ints);
    case Format::kBool:
      return from_field<bool>(format, std::move(shape), ints);
    case Format::kU16:
    case Format::kF16:
    case Format::kBF16:
      return from_field<uint16_t>(format, std::move(shape), ints);
    default:
      return fail(ErrorCode::kInternal, "a format that ONNX doesn't have");
  }
}

std::unexpected<Error> outside(std::string_view location) {
  return fail(ErrorCode::kCorrupt,
              "external data in \"" + std::string(location) +
                  "\", which is not a plain file in the model's folder",
              "put the file there itself, not a link to it, if you trust the model");
}

// Every part of the path is a plain name of a folder and at last of a file, and none is a link, so
// the file lies inside the model's folder (and is none that an open would wait for).
Status check_confined(const std::string& folder, std::string_view location) {
  const bool plain = !location.empty() && location.find('\0') == std::string_view::npos;
  if (folder.empty() || !plain) return outside(location);
  std::string path = folder;
  std::string_view rest = location;
  while (!rest.empty()) {
    const size_t slash = std::min(rest.find('/'), rest.size());
    const std::string_view part = rest.substr(0, slash);
    if (part.empty() || part == "." || part == "..") return outside(location);
    path += '/';
    path += part;
    struct stat entry{};
    if (lstat(path.c_str(), &entry) != 0) {
      return fail(ErrorCode::kNotFound, "external data file " + path + " is missing",
                  "put it where the model was published with it");
    }
    rest = rest.substr(std::min(slash + 1, rest.size()));
    const bool as_it_must_be = rest.empty() ? S_ISREG(entry.st_mode) : S_ISDIR(entry.st_mode);
    if (!as_it_must_be) return outside(location);
  }
  return {};
}

Result<uint64_t> byte_count(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) {
    return fail(ErrorCode::kCorrupt, "external data at \"" + std::string(text) + "\"");
  }
  return value;
}

Result<Tensor> from_external(Format format, Shape shape, const TensorProto& proto,
                             const std::string& folder) {
  std::string location;
  uint64_t offset = 0;
  std::optional<uint64_t> length;
  for (const auto& entry : proto.external_data()) {
    if (entry.key() == "location") location = entry.value();
    if (entry.key() == "offset") offset = TENWATT_TRY(byte_count(entry.value()));
    if (entry.key() == "length") length = TENWATT_TRY(byte_count(entry.value()));
  }
  TENWATT_TRY(check_confined(folder, location));
  auto mapping = TENWATT_TRY(MappedFile::open(folder + "/" + location));
  const auto bytes = mapping->bytes();
  const uint64_t left = offset <= bytes.size() ? bytes.size() - offset : 0;
  const int64_t count = TENWATT_TRY(checked_elements(shape));
  const uint64_t size = TENWATT_TRY(storage_bytes(format, count));
  if (size > left || length.value_or(size) != size) {
    return fail(ErrorCode::kCorrupt, "external data in " + location + " doesn't have the " +
                                         std::to_string(size) + " bytes of the tensor");
  }
  return tensor_from_bytes(format, std::move(shape),
                           size > 0 ? bytes.subspan(offset, size) : bytes.first(0),
                           std::move(mapping));
}

Result<Tensor> from_raw(Format format, Shape shape, TensorProto& proto) {
  const auto raw = std::make_shared<const std::string>(std::move(*proto.mutable_raw_data()));
  const auto bytes = std::as_bytes(std::span(raw->data(), raw->size()));
  return tensor_from_bytes(format, std::move(shape), bytes, raw);
}

Result<Tensor> convert(TensorProto& proto, const std::string& folder) {
  const Format format = TENWATT_TRY(format_of_onnx(proto.data_type()));
  if (proto.has_segment()) return fail(ErrorCode::kUnsupported, "a tensor in segments");
  Shape shape(proto.dims().begin(), proto.dims().end());
  if (proto.data_location() == TensorProto::EXTERNAL) {
    return from_external(format, std::move(shape), proto, folder);
  }
  if (proto.has_raw_data()) return from_raw(format, std::move(shape), proto);
  return from_typed_fields(format, std::move(shape), proto);
}

}  // namespace

Result<Tensor> take_onnx_tensor(onnx::TensorProto& proto, const std::string& folder) {
  Result<Tensor> tensor = convert(proto, folder);
  if (!tensor) return fail_in("tensor \"" + proto.name() + "\"", std::move(tensor).error());
  return tensor;
}

}  // namespace tenwatt::files
