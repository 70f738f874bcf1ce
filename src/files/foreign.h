// What to say of a file that is not of the format its reader expects: often it is another thing
// that people take for a model (a page instead of the file, another kind of model), and its first
// bytes tell.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace tenwatt::files {

/// "this is not <wanted>", and where the first bytes are known, "but <what it is>" with the remedy
/// for that in the place of `remedy`.
std::unexpected<Error> not_this_format(ErrorCode code, std::string_view wanted,
                                       std::span<const std::byte> bytes, std::string remedy = {});

}  // namespace tenwatt::files
