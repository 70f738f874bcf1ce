// A command line after its verb, taken apart by the verb's table. Values are not checked here
// (base/options.h does that for all three places at once), only flags and counts.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/options.h"
#include "base/result.h"
#include "cli/verb.h"

namespace tenwatt::cli {

struct ParsedLine {
  std::map<std::string, std::vector<std::string>, std::less<>> options;
  std::vector<std::string> arguments;
  bool help = false;
};

/// kUsage for an unknown flag (with the nearest one), a flag without its value, or too many or too
/// few arguments. Everything after `--` is an argument, and so is a lone `-`.
Result<ParsedLine> parse_line(const Verb& verb, std::span<const std::string> words);

}  // namespace tenwatt::cli
