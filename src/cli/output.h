// Writing to the two streams: data on standard output, everything else on standard error.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace tenwatt::cli {

/// Writes data; kIo if standard output is closed or full.
Status print(std::string_view text);
/// "error: message" and "  try: remedy" on standard error; an error without a remedy of its own
/// gets the general one of its code, where there is one.
void print_error(const Error& error);
/// "1 file", "2 files".
std::string counted(uint64_t count, std::string_view noun);
/// "98 MB"; decimal units, at most three digits.
std::string human_bytes(uint64_t bytes);

}  // namespace tenwatt::cli
