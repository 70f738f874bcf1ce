// Writing to the two streams: data on standard output, everything else on standard error.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace tenwatt::cli {

/// Writes data; kIo if standard output is closed or full.
Status print(std::string_view text);
/// "error: message" and, where there is one, "  try: remedy", on standard error.
void print_error(const Error& error);
/// "98 MB"; decimal units, at most three digits.
std::string human_bytes(uint64_t bytes);

}  // namespace tenwatt::cli
