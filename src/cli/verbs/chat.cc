// tenwatt chat: a conversation in text, with history.
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <iostream>

#include "cli/model_options.h"
#include "cli/output.h"
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
  if (path.empty()) return fail(ErrorCode::kUsage, "/save needs a file name");
  std::ofstream file(path);
  for (const ChatMessage& message : chat.history()) {
    file << message.role << ": " << message.content << "\n\n";
  }
  file.close();
  if (!file) return fail(ErrorCode::kIo, "can't write " + path);
  return {};
}

enum class Next : uint8_t { kGoOn, kLeave };

Result<Next> command(Chat& chat, const std::string& line) {
  if (line == "/quit" || line == "/exit") return Next::kLeave;
  if (line == "/help") {
    TENWATT_TRY(print(kHelp));
  } else if (line == "/reset") {
    TENWATT_TRY(chat.reset());
  } else if (line.starts_with("/save")) {
    const size_t name = line.find_first_not_of(' ', 5);
    TENWATT_TRY(save(chat, name == std::string::npos ? "" : line.substr(name)));
  } else {
    return fail(ErrorCode::kUsage, "there is no command " + line, "/help lists them");
  }
  return Next::kGoOn;
}

Status run(const Invocation& invocation) {
  const auto runtime = TENWATT_TRY(open_runtime(invocation));
  const auto model = TENWATT_TRY(open_model(runtime, invocation, invocation.options.text("model")));
  const auto chat = TENWATT_TRY(Chat::open(model, invocation.options.text("system")));
  const bool prompt = isatty(STDIN_FILENO) != 0;
  for (std::string line;;) {
    if (prompt) TENWATT_TRY(print("> "));
    if (!std::getline(std::cin, line)) return {};
    if (line.empty()) continue;
    if (line.starts_with('/')) {
      const auto next = command(*chat, line);
      if (!next) print_error(next.error());
      if (next && *next == Next::kLeave) return {};
      continue;
    }
    const auto answer = chat->send(line, generate_options(invocation),
                                   [](std::string_view piece) { return print(piece).has_value(); });
    TENWATT_TRY(print("\n"));
    if (!answer) print_error(answer.error());
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
