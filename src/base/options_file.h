// The TOML side of base/options.h: option names and their texts out of a file.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"

namespace tenwatt {

using FileValues = std::map<std::string, std::vector<std::string>, std::less<>>;

/// The scalars and lists of scalars at the top level, overridden by those of the table `section`.
/// kUsage if the file is not TOML (with line and column) or a value is neither.
Result<FileValues> read_option_file(const std::string& path, const std::string& section);

}  // namespace tenwatt
