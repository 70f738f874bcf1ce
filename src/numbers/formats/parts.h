// What the block formats share: a row of the table out of a layout (numbers/blocks.h), whose
// decoder takes a block apart and evaluates its parts.
#pragma once

#include <array>

#include "numbers/blocks.h"
#include "numbers/formats/load.h"

namespace tenwatt::formats {

inline constexpr size_t kPart = kPartElements;

inline uint8_t byte_at(const std::byte* bytes, size_t index) {
  return static_cast<uint8_t>(bytes[index]);
}

template <const BlockLayout& kLayout, size_t kBlock, size_t kBytes>
void decode_blocks(std::span<const std::byte> in, std::span<float> out) {
  std::array<BlockPart, kBlock / kPart> parts;
  for (size_t block = 0; block < out.size() / kBlock; ++block) {
    kLayout.take_apart(&in[block * kBytes], parts);
    float* to = &out[block * kBlock];
    for (const BlockPart& part : parts) {
      for (size_t i = 0; i < kPart; ++i) *to++ = value_of(kLayout, part, i);
    }
  }
}

/// `encode` is null where the format has no reference quantiser.
template <const BlockLayout& kLayout, size_t kBlock, size_t kBytes>
FormatInfo block_row(Format format, std::string_view name,
                     void (*encode)(std::span<const float>, std::span<std::byte>)) {
  return {format, name,    FormatKind::kBlock,
          kBlock, kBytes,  decode_blocks<kLayout, kBlock, kBytes>,
          encode, &kLayout};
}

}  // namespace tenwatt::formats
