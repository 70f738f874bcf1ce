#include "files/npy.h"

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <memory>

#include "base/memory.h"
#include "files/byte_reader.h"
#include "files/tensor_bytes.h"

namespace tenwatt::files {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr size_t kMaxRank = 32;
constexpr size_t kHeaderUnit = 64;  // the data starts at a multiple of this

struct Row {
  std::string_view descr;
  Format format;
};

constexpr Row kRows[] = {
    {"<f4", Format::kF32}, {"<f2", Format::kF16}, {"<f8", Format::kF64}, {"|i1", Format::kI8},
    {"|u1", Format::kU8},  {"<i2", Format::kI16}, {"<u2", Format::kU16}, {"<i4", Format::kI32},
    {"<u4", Format::kU32}, {"<i8", Format::kI64}, {"<u8", Format::kU64}, {"|b1", Format::kBool},
};

// The text after `'key':` in the header, which is a Python dictionary written by NumPy.
Result<std::string_view> field(std::string_view header, std::string_view key) {
  for (const char quote : {'\'', '"'}) {
    const std::string quoted = quote + std::string(key) + quote;
    const size_t at = header.find(quoted);
    if (at == std::string_view::npos) continue;
    const size_t colon = header.find_first_not_of(' ', at + quoted.size());
    if (colon == std::string_view::npos || header[colon] != ':') continue;
    const size_t begin = header.find_first_not_of(' ', colon + 1);
    if (begin != std::string_view::npos) return header.substr(begin);
  }
  return fail(ErrorCode::kCorrupt, "the header has no " + std::string(key));
}

Result<Format> element_format(std::string_view header) {
  const std::string_view text = TENWATT_TRY(field(header, "descr"));
  const std::string_view descr = text.substr(text.starts_with('[') ? 0 : 1, 3);
  for (const Row& row : kRows) {
    if (row.descr == descr) return row.format;
  }
  return fail(ErrorCode::kUnsupported, "elements of the type " + std::string(descr),
              "save the array as little-endian float, integer or bool");
}

Result<Shape> array_shape(std::string_view header) {
  std::string_view text = TENWATT_TRY(field(header, "shape"));
  const size_t end = text.find(')');
  if (!text.starts_with('(') || end == std::string_view::npos) {
    return fail(ErrorCode::kCorrupt, "the shape is not a tuple");
  }
  text = text.substr(1, end - 1);
  Shape shape;
  while (true) {
    const size_t begin = text.find_first_not_of(" ,");
    if (begin == std::string_view::npos) return shape;
    text = text.substr(begin);
    int64_t extent = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), extent);
    if (error != std::errc{} || extent < 0 || shape.size() == kMaxRank) {
      return fail(ErrorCode::kCorrupt, "the shape has something that is no extent");
    }
    shape.push_back(extent);
    text = text.substr(static_cast<size_t>(stop - text.data()));
  }
}

Result<Tensor> parse(const std::shared_ptr<MappedFile>& mapping) {
  ByteReader in(mapping->bytes());
  if (TENWATT_TRY(in.text(kMagic.size())) != kMagic) {
    return fail(ErrorCode::kCorrupt, "this is not an .npy file");
  }
  const auto major = TENWATT_TRY(in.read<uint8_t>());
  TENWATT_TRY(in.read<uint8_t>());
  if (major < 1 || major > 3) {
    return fail(ErrorCode::kUnsupported, "version " + std::to_string(major) + " of .npy");
  }
  const uint32_t length =
      major == 1 ? TENWATT_TRY(in.read<uint16_t>()) : TENWATT_TRY(in.read<uint32_t>());
  const std::string_view header = TENWATT_TRY(in.text(length));
  const Format format = TENWATT_TRY(element_format(header));
  Shape shape = TENWATT_TRY(array_shape(header));
  const bool fortran = TENWATT_TRY(field(header, "fortran_order")).starts_with("True");
  if (fortran && shape.size() > 1) {
    return fail(ErrorCode::kUnsupported, "an array in Fortran order",
                "save numpy.ascontiguousarray(x)");
  }
  const int64_t count = TENWATT_TRY(checked_elements(shape));
  const auto data = TENWATT_TRY(in.take(TENWATT_TRY(storage_bytes(format, count))));
  return tensor_from_bytes(format, std::move(shape), data, mapping);
}

std::string header_of(std::string_view descr, const Shape& shape) {
  std::string extents;
  for (const int64_t extent : shape) extents += std::to_string(extent) + ", ";
  if (shape.size() > 1) extents.resize(extents.size() - 2);
  if (shape.size() == 1) extents.resize(extents.size() - 1);  // a tuple of one keeps its comma
  std::string header = "{'descr': '" + std::string(descr) +
                       "', 'fortran_order': False, 'shape': (" + extents + "), }";
  const size_t before = kMagic.size() + 2 + 2;
  const size_t padding = kHeaderUnit - (before + header.size() + 1) % kHeaderUnit;
  return header + std::string(padding % kHeaderUnit, ' ') + '\n';
}

bool write_part(std::FILE* file, std::span<const std::byte> part) {
  return part.empty() || std::fwrite(part.data(), 1, part.size(), file) == part.size();
}

Status write_all(const std::string& path, std::string_view head, std::span<const std::byte> data) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "wb"),
                                                             std::fclose);
  const bool written = file != nullptr && write_part(file.get(), std::as_bytes(std::span(head))) &&
                       write_part(file.get(), data) && std::fflush(file.get()) == 0;
  if (written) return {};
  return fail(ErrorCode::kIo, "can't write " + path + ": " + std::strerror(errno));
}

}  // namespace

Result<Tensor> read_npy(const std::string& path) {
  Result<Tensor> tensor = parse(TENWATT_TRY(MappedFile::open(path)));
  if (!tensor) return fail_in(path, std::move(tensor).error());
  return tensor;
}

Status write_npy(const std::string& path, const Tensor& tensor) {
  for (const Row& row : kRows) {
    if (row.format != tensor.format()) continue;
    const std::string header = header_of(row.descr, tensor.shape());
    if (header.size() > 0xffff) return fail(ErrorCode::kInvalidArgument, "too many dimensions");
    std::string head(kMagic);
    head += '\1';
    head += '\0';
    head += static_cast<char>(header.size() & 0xff);
    head += static_cast<char>(header.size() >> 8);
    return write_all(path, head + header, tensor.bytes());
  }
  return write_npy(path, TENWATT_TRY(tensor.to_f32()));
}

}  // namespace tenwatt::files
