// The closed table of failures: one row for each ErrorCode. Names, exit codes and docs/errors.md
// all come from it, so that they can't disagree.
#pragma once

#include <span>
#include <string_view>

#include "base/result.h"

namespace tenwatt {

/// What a code is called, what the program leaves with, and what it tells the caller.
struct ErrorRow {
  ErrorCode code;
  std::string_view name;     ///< stable, lower case: "not_found"
  int exit_code;             ///< 1 failed, 2 usage, 3 model missing, 4 audio device
  std::string_view meaning;  ///< one line
};

/// Every row, in the order of the enumeration.
std::span<const ErrorRow> error_table();

}  // namespace tenwatt
