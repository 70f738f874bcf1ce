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

/// A key of the file and the table that it is in; the top level is the table "".
struct FileKey {
  std::string section;
  std::string key;
};

/// All keys of the file that hold values, so that those nobody asks for can be told. Errors as
/// read_option_file.
Result<std::vector<FileKey>> option_file_keys(const std::string& path);

}  // namespace tenwatt
