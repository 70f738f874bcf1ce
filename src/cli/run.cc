// Finds the verb, resolves its options, runs it, and turns its outcome into an exit code.
#include "cli/run.h"

#include <sys/stat.h>

#include <exception>

#include "base/log.h"
#include "base/paths.h"
#include "base/trace.h"
#include "cli/common_options.h"
#include "cli/configuration_keys.h"
#include "cli/help.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/parse.h"
#include "cli/verb.h"
#include "tenwatt/version.h"

namespace tenwatt::cli {
namespace {

Result<const Verb*> find_verb(const std::string& name) {
  std::vector<std::string_view> names;
  for (const Verb& verb : verbs()) {
    if (verb.name == name) return &verb;
    names.push_back(verb.name);
  }
  const std::string near = nearest_name(name, names);
  return fail(ErrorCode::kUsage, "no verb '" + name + "'",
              near.empty() ? "tenwatt --help" : "tenwatt " + near);
}

// --config, else the user's own file if there is one.
Result<std::string> configuration_file(const ParsedLine& line) {
  const auto given = line.options.find("config");
  if (given != line.options.end()) return given->second.back();
  const std::string own = configuration_folder() + "/config.toml";
  struct stat status{};
  return ::stat(own.c_str(), &status) == 0 ? own : std::string{};
}

Status run_traced(const Verb& verb, const Invocation& invocation) {
  const std::string trace = invocation.options.text("trace");
  if (trace.empty()) return verb.run(invocation);
  // Made before the run, so that a path which can't be written is told at once.
  TENWATT_TRY(write_file_atomically(trace, ""));
  Trace::start();
  const Status status = verb.run(invocation);
  const Status written = Trace::stop(trace);
  return status ? written : status;
}

Status run_verb(const Verb& verb, std::span<const std::string> words) {
  const ParsedLine line = TENWATT_TRY(parse_line(verb, words));
  if (line.help) return print(verb_help(verb));
  OptionInputs inputs;
  inputs.command_line = line.options;
  inputs.file = TENWATT_TRY(configuration_file(line));
  inputs.section = verb.name;
  Invocation invocation;
  invocation.options = TENWATT_TRY(resolve_options(all_options(verb), inputs));
  invocation.arguments = line.arguments;
  invocation.cancel = &interrupt_flag();
  apply_log_level(invocation.options);
  if (!inputs.file.empty()) TENWATT_TRY(warn_of_unknown_keys(inputs.file));
  return run_traced(verb, invocation);
}

Status run_words(std::span<const std::string> words) {
  if (words.empty()) return fail(ErrorCode::kUsage, "no verb was given", "tenwatt --help");
  const std::string& first = words[0];
  if (first == "--version") return print("tenwatt " + std::string(version()) + "\n");
  const bool wants_help = first == "--help" || first == "-h" || first == "help";
  if (!wants_help) return run_verb(*TENWATT_TRY(find_verb(first)), words.subspan(1));
  if (words.size() == 1) return print(program_help());
  return print(verb_help(*TENWATT_TRY(find_verb(words[1]))));
}

/// Who asked in a way that makes no sense is told where it is explained.
Error with_help(Error error, std::span<const std::string> words) {
  const bool asked = error.code == ErrorCode::kUsage || error.code == ErrorCode::kInvalidArgument;
  if (asked && error.remedy.empty() && !words.empty()) {
    error.remedy = "tenwatt " + words[0] + " --help";
  }
  return error;
}

}  // namespace

int run_program(std::span<const std::string> words) {
  constexpr int kInterrupted = 130;  // what a shell expects after Ctrl-C
  try {
    const Status status = run_words(words);
    if (status) return 0;
    print_error(with_help(status.error(), words));
    const bool interrupted = interrupt_flag() && status.error().code == ErrorCode::kCancelled;
    return interrupted ? kInterrupted : exit_code(status.error().code);
  } catch (const std::exception& exception) {
    print_error({ErrorCode::kInternal, std::string("internal fault: ") + exception.what(), {}});
    return exit_code(ErrorCode::kInternal);
  }
}

}  // namespace tenwatt::cli
