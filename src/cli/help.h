// The help texts, written from the tables.
#pragma once

#include <string>

#include "cli/verb.h"

namespace tenwatt::cli {

/// `tenwatt --help`
std::string program_help();
/// `tenwatt VERB --help`
std::string verb_help(const Verb& verb);

}  // namespace tenwatt::cli
