// Loads and stores of little-endian values at any address: the data of mapped files is not always
// aligned. The compiler turns both into one move.
#pragma once

#include <bit>
#include <cstddef>
#include <cstring>

namespace tenwatt::formats {

static_assert(std::endian::native == std::endian::little, "the formats are stored little-endian");

template <class T>
T load(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

template <class T>
void store(std::byte* to, T value) {
  std::memcpy(to, &value, sizeof value);
}

}  // namespace tenwatt::formats
