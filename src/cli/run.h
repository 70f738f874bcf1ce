// The program from its words to its exit code.
#pragma once

#include <span>
#include <string>

namespace tenwatt::cli {

/// Runs `tenwatt WORDS...`; the exit code. Never throws.
int run_program(std::span<const std::string> words);

}  // namespace tenwatt::cli
