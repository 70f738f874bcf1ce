// tenwatt chat: a conversation in text, with history.
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <optional>

#include "base/log.h"
#include "cli/interrupt.h"
#include "cli/model_options.h"
#include "cli/output.h"
#include "cli/standard_input.h"
#include "cli/verbs.h"
#include "tenwatt/model.h"

namespace tenwatt::cli {
namespace {

constexpr std::array kOptions = {
    kModelOption, kSystemOption, kMaxTokensOption, kTemperatureOption,
    kTopPOption,  kTopKOption,   kContextOption,
};

constexpr std::string_view kHelp =
    "/help         this text\n"
    "/reset        forget the conversation\n"
    "/save FILE    write the conversation to a file\n"
    "/quit         leave (or Ctrl-D)\n";

Status save(const Chat& chat, const std::string& path) {
  if (path.empty()) return fail(ErrorCode::kUsage, "/save needs a file name", "/save FILE");
  std::ofstream file(path);
  for (const ChatMessage& message : chat.history()) {
    file << message.role << ": " << message.content << "\n\n";
  }
  file.close();
  if (!file)
    return fail(ErrorCode::kIo, "can't write " + path, "/save to a file in a folder that is there");
  return {};
}

enum class Next : uint8_t { kGoOn, kLeave };

Result<Next> command(Chat& chat, const std::string& line) {
  if (line == "/quit" || line == "/exit") return Next::kLeave;
  if (line == "/help") {
    TENWATT_TRY(print(kHelp));
  } else if (line == "/reset") {
    TENWATT_TRY(chat.reset());
    log_information("the conversation is forgotten");
  } else if (line == "/save" || line.starts_with("/save ")) {
    const size_t name = line.find_first_not_of(' ', 5);
    const std::string path = name == std::string::npos ? "" : line.substr(name);
    TENWATT_TRY(save(chat, path));
    log_information("saved to " + path);
  } else {
    return fail(ErrorCode::kUsage, "there is no command " + line, "/help lists them");
  }
  return Next::kGoOn;
}

/// One message and its answer. Ctrl-C stops the answer, not the conversation.
Status talk(Chat& chat, const std::string& line, const GenerateOptions& options) {
  bool begun = false;
  const auto answer = chat.send(line, options, [&](std::string_view piece) {
    begun = true;
    return print(piece).has_value();
  });
  if (begun) TENWATT_TRY(print("\n"));
  if (!answer) return std::unexpected(answer.error());
  if (answer->stop == "length") {
    log_warning(fmt::format("the answer was cut after {} tokens: -n N allows more",
                            answer->stats.generated_tokens));
  }
  return {};
}

/// Whether the conversation goes on after what happened to a message.
Status after(const Status& said, bool somebody_types) {
  if (said || said.error().code != ErrorCode::kCancelled) {
    if (!said) print_error(said.error());
    if (!interrupt_flag()) return {};
  }
  if (!somebody_types || termination_asked()) {
    return fail(ErrorCode::kCancelled, "the conversation was stopped");
  }
  interrupt_flag() = false;
  return {};
}

Status run(const Invocation& invocation) {
  const GenerateOptions options = TENWATT_TRY(generate_options(invocation));
  const auto runtime = TENWATT_TRY(open_runtime(invocation));
  const auto model = TENWATT_TRY(open_model(runtime, invocation, invocation.options.text("model")));
  const auto chat = TENWATT_TRY(Chat::open(model, invocation.options.text("system")));
  const bool somebody_types = isatty(STDIN_FILENO) != 0;
  if (somebody_types) log_information("/help lists the commands; Ctrl-D leaves");
  LineReader lines(invocation.cancel);
  for (;;) {
    if (somebody_types) TENWATT_TRY(print("> "));
    const auto read = lines.next();
    // The prompt's line is unfinished: Ctrl-C and Ctrl-D end it.
    if (somebody_types && (!read || !*read)) TENWATT_TRY(print("\n"));
    const std::optional<std::string> line = TENWATT_TRY(Result<std::optional<std::string>>(read));
    if (!line) return {};
    if (line->find_first_not_of(" \t") == std::string::npos) continue;
    if (line->starts_with('/')) {
      const auto next = command(*chat, *line);
      if (!next) print_error(next.error());
      if (next && *next == Next::kLeave) return {};
      continue;
    }
    TENWATT_TRY(after(talk(*chat, *line, options), somebody_types));
  }
}

}  // namespace

const Verb kChatVerb = {
    .name = "chat",
    .help = "talk with a language model in text, with history",
    .positionals = {},
    .options = kOptions,
    .group = OptionGroup::kRuntime,
    .run = run,
};

}  // namespace tenwatt::cli
