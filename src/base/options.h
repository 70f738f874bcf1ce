// Options from three places with one precedence: command line, then TENWATT_* environment, then a
// TOML file, then the default of the table. Not a command-line parser (cli/parse.cc is): it takes
// what the command line gave as text and turns all of it into checked values.
//
// An option is one row of a table, so that its flag `--memory`, its variable TENWATT_MEMORY, its
// key `memory` in the file, its help and its default can't disagree.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tenwatt {

enum class OptionType {
  kSwitch,   ///< present or not; "true"/"false"/"1"/"0" in environment and file
  kText,     ///< as given
  kInteger,  ///< a signed 64-bit decimal number
  kNumber,   ///< a finite floating-point number
  kList,     ///< texts; the flag may be repeated, environment values are split at commas
};

/// One row of an option table.
struct OptionSpec {
  std::string_view name;  ///< without dashes: "max-tokens"
  char letter = 0;        ///< "-n", or 0
  OptionType type = OptionType::kText;
  std::string_view default_value = {};  ///< as text; empty: not set
  std::string_view value_name = {};     ///< for the help: "FILE"
  std::string_view help = {};
  std::span<const std::string_view> choices = {};  ///< the allowed values, or empty for any
};

/// Where a value came from.
enum class OptionSource { kNone, kDefault, kFile, kEnvironment, kCommandLine };

/// Checked values of one table. Asking for a name that is not in the table, or with the wrong
/// type, gives the empty value of the type.
class OptionValues {
 public:
  bool has(std::string_view name) const { return source(name) != OptionSource::kNone; }
  OptionSource source(std::string_view name) const;
  bool on(std::string_view name) const;  ///< a switch
  std::string text(std::string_view name) const;
  int64_t integer(std::string_view name) const;
  double number(std::string_view name) const;
  std::vector<std::string> list(std::string_view name) const;

 private:
  friend Result<OptionValues> resolve_options(std::span<const OptionSpec>,
                                              const struct OptionInputs&);
  struct Value {
    OptionSource source = OptionSource::kNone;
    std::vector<std::string> texts;
  };
  const Value* find(std::string_view name) const;
  std::map<std::string, Value, std::less<>> values_;
};

/// What the three places hold, unchecked.
struct OptionInputs {
  /// Texts per option name as the command line gave them; a switch has one text, "true".
  std::map<std::string, std::vector<std::string>, std::less<>> command_line;
  /// Looks a variable up; empty function: the process's environment.
  std::function<std::optional<std::string>(const std::string&)> environment;
  /// Path of a TOML file; empty: none. Keys are option names at the top level, and in a table with
  /// the section's name (they win). Keys of other options are ignored.
  std::string file;
  std::string section;
};

/// Values by precedence. kUsage names the option, the place and what was expected.
Result<OptionValues> resolve_options(std::span<const OptionSpec> table, const OptionInputs& inputs);

/// "max-tokens" -> "TENWATT_MAX_TOKENS".
std::string environment_name(std::string_view option);

/// The candidate nearest to `word` by edit distance, or empty if none is near.
std::string nearest_name(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace tenwatt
