// What a verb is. Adding one is a file in verbs/ and a row in verbs.cc.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/options.h"
#include "base/result.h"
#include "tenwatt/runtime.h"

namespace tenwatt::cli {

/// What the user asked for, checked.
struct Invocation {
  OptionValues options;
  std::vector<std::string> arguments;  ///< the positional ones
  const CancelFlag* cancel = nullptr;  ///< set by Ctrl-C
};

/// The positional arguments of a verb.
struct Positionals {
  std::string_view name;  ///< for the help: "NAME..."
  size_t minimum = 0;
  size_t maximum = 0;
  std::string_view help;
};

/// Groups of options that many verbs share.
enum class OptionGroup {
  kNone,
  kRuntime,  ///< where and how a model runs (runtime_options.h)
};

/// A row of the verb table.
struct Verb {
  std::string_view name;
  std::string_view help;  ///< one line
  Positionals positionals;
  std::span<const OptionSpec> options;
  OptionGroup group = OptionGroup::kNone;
  Status (*run)(const Invocation&) = nullptr;
};

/// All verbs, in the order of the help.
std::span<const Verb> verbs();
/// A verb's own options, those of its group, and the ones that every verb has.
std::vector<OptionSpec> all_options(const Verb& verb);

}  // namespace tenwatt::cli
