#include "files/tensor_bytes.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace tenwatt::files {
namespace {

// What readers of the elements need: blocks are read bytewise, scalars as their type.
size_t alignment(Format format) {
  const FormatInfo& row = info(format);
  return row.kind == FormatKind::kBlock ? 1 : row.bytes;
}

}  // namespace

Result<Tensor> tensor_from_bytes(Format format, Shape shape, std::span<const std::byte> bytes,
                                 std::shared_ptr<const void> owner) {
  Tensor there = TENWATT_TRY(Tensor::wrap(format, std::move(shape), bytes, std::move(owner)));
  const bool aligned = reinterpret_cast<uintptr_t>(bytes.data()) % alignment(format) == 0;
  const bool bad_bool = format == Format::kBool &&
                        std::ranges::any_of(bytes, [](std::byte b) { return b > std::byte{1}; });
  if (aligned && !bad_bool) return there;
  Tensor copy = TENWATT_TRY(Tensor::create(format, there.shape()));
  const std::span<std::byte> to = copy.mutable_bytes();
  if (!to.empty()) std::memcpy(to.data(), bytes.data(), to.size());
  if (bad_bool) {
    for (std::byte& b : to) b = std::min(b, std::byte{1});
  }
  return copy;
}

}  // namespace tenwatt::files
