// tenwatt tokenize: text as a model sees it.
#include <fmt/format.h>

#include <array>

#include "cli/json.h"
#include "cli/output.h"
#include "cli/standard_input.h"
#include "cli/verbs.h"
#include "tenwatt/model.h"

namespace tenwatt::cli {
namespace {

constexpr std::array kOptions = {
    OptionSpec{.name = "json", .type = OptionType::kSwitch, .help = "as JSON"},
    OptionSpec{.name = "add-special",
               .type = OptionType::kSwitch,
               .help = "put the model's own beginning and end tokens around the text"},
    OptionSpec{.name = "plain",
               .type = OptionType::kSwitch,
               .help = "treat the spelling of special tokens as text"},
};

/// The piece in quotes, with control characters and bytes that are no whole character escaped.
std::string quoted(const std::string& piece) {
  JsonWriter json;
  return json.value(piece).text();
}

/// `-` is standard input, byte for byte: the only way in for a text that holds NUL.
Result<std::string> text_of(const Invocation& invocation) {
  if (invocation.arguments[1] != "-") return invocation.arguments[1];
  return read_standard_input(invocation.cancel);
}

Status run(const Invocation& invocation) {
  const auto tokenizer = TENWATT_TRY(TextTokenizer::open(invocation.arguments[0]));
  const Tokens tokens = tokenizer->tokenize(TENWATT_TRY(text_of(invocation)),
                                            {.add_special = invocation.options.on("add-special"),
                                             .plain = invocation.options.on("plain")});
  if (invocation.options.on("json")) {
    JsonWriter json;
    json.begin_object().member("ids", tokens.ids).member("pieces", tokens.pieces).end_object();
    return print(json.text() + "\n");
  }
  std::string text;
  for (size_t i = 0; i < tokens.ids.size(); ++i) {
    text += fmt::format("{:>7}  {}\n", tokens.ids[i], quoted(tokens.pieces[i]));
  }
  return print(text);
}

}  // namespace

const Verb kTokenizeVerb = {
    .name = "tokenize",
    .help = "the tokens of a text: ids and pieces",
    .positionals = {.name = "MODEL TEXT",
                    .minimum = 2,
                    .maximum = 2,
                    .help = "a language model (name or path), and the text, or - for stdin"},
    .options = kOptions,
    .run = run,
};

}  // namespace tenwatt::cli
