// Keys of the configuration file that nothing reads: a misspelt option would be ignored in silence.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace tenwatt::cli {

/// A sentence for every key that is no option of its verb (at the top level: of any verb), with the
/// nearest name there is. Errors as option_file_keys.
Result<std::vector<std::string>> unknown_keys(const std::string& path);

/// Logs them as warnings.
Status warn_of_unknown_keys(const std::string& path);

}  // namespace tenwatt::cli
