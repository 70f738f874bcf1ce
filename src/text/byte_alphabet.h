// The alphabet in which byte-level BPE vocabularies are spelled: every byte has a printable
// character of its own (space is U+0120, newline U+010A), so a vocabulary file stays text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tenwatt::text {

/// The character of a byte: itself for 33-126, 161-172 and 174-255, else U+0100 onwards in order.
char32_t byte_character(uint8_t byte);

/// The bytes that a spelling stands for. Characters outside the alphabet keep their own bytes.
std::string bytes_of_spelling(std::string_view spelling);

/// The spelling of some bytes.
std::string spelling_of_bytes(std::string_view bytes);

}  // namespace tenwatt::text
