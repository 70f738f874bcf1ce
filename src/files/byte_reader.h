// A cursor over the bytes of a file that checks every step: reading past the end is an error,
// never undefined. Little-endian, any alignment. Shared by the binary formats of this room.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/result.h"

namespace tenwatt::files {

static_assert(std::endian::native == std::endian::little, "these formats are little-endian");

class ByteReader {
 public:
  explicit ByteReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  size_t position() const { return at_; }
  size_t left() const { return bytes_.size() - at_; }

  /// The next `count` bytes, borrowed from the file.
  Result<std::span<const std::byte>> take(uint64_t count) {
    if (count > left()) {
      return fail(ErrorCode::kCorrupt, "the file ends at byte " + std::to_string(bytes_.size()) +
                                           ", but byte " + std::to_string(at_) + " announces " +
                                           std::to_string(count) + " more");
    }
    const auto part = bytes_.subspan(at_, static_cast<size_t>(count));
    at_ += static_cast<size_t>(count);
    return part;
  }

  template <class T>
  Result<T> read() {
    static_assert(std::is_arithmetic_v<T> && !std::is_same_v<T, bool>);
    const auto part = TENWATT_TRY(take(sizeof(T)));
    T value;
    std::memcpy(&value, part.data(), sizeof value);
    return value;
  }

  Result<std::string_view> text(uint64_t length) {
    const auto part = TENWATT_TRY(take(length));
    return std::string_view(reinterpret_cast<const char*>(part.data()), part.size());
  }

 private:
  std::span<const std::byte> bytes_;
  size_t at_ = 0;
};

}  // namespace tenwatt::files
