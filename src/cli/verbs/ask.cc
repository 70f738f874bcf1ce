// tenwatt ask: one turn. A spoken or written question in, a written and spoken answer out.
#include <fmt/format.h>

#include <array>
#include <iostream>
#include <iterator>

#include "base/log.h"
#include "cli/json.h"
#include "cli/model_options.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "tenwatt/assistant.h"

namespace tenwatt::cli {
namespace {

constexpr std::array kOptions = {
    OptionSpec{.name = "audio", .value_name = "FILE", .help = "a spoken question"},
    OptionSpec{.name = "output",
               .letter = 'o',
               .value_name = "FILE",
               .help = "speak the answer into this WAV file"},
    kModelOption,
    kSttOption,
    kVoiceOption,
    kSystemOption,
    kMaxTokensOption,
    kTemperatureOption,
    kTopPOption,
    kTopKOption,
    kLanguageOption,
    kNoFallbackOption,
    kSpeakerOption,
    kSpeedOption,
    kNoiseOption,
    OptionSpec{.name = "account",
               .type = OptionType::kSwitch,
               .help = "also print where each stage ran and how long it took"},
    OptionSpec{.name = "json", .type = OptionType::kSwitch, .help = "as JSON"},
};

Result<std::string> question_text(const Invocation& invocation) {
  if (invocation.arguments.empty()) return std::string();
  if (invocation.arguments[0] != "-") return invocation.arguments[0];
  std::string text(std::istreambuf_iterator<char>(std::cin), {});
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text;
}

std::string as_json(const Turn& turn) {
  const TurnAccount& account = turn.account;
  JsonWriter json;
  json.begin_object();
  json.member("question", turn.question).member("answer", turn.answer);
  json.member("spoken", turn.spoken);
  json.key("account").begin_object();
  json.member("audio_in_s", account.audio_in_seconds);
  json.member("load_s", account.load_seconds);
  json.member("transcribe_s", account.transcribe_seconds);
  json.member("first_token_s", account.first_token_seconds);
  json.member("generate_s", account.generate_seconds);
  json.member("first_audio_s", account.first_audio_seconds);
  json.member("speak_s", account.speak_seconds);
  json.member("total_s", account.total_seconds);
  json.member("audio_out_s", account.audio_out_seconds);
  json.member("prompt_tokens", account.prompt_tokens);
  json.member("generated_tokens", account.generated_tokens);
  return json.end_object().end_object().text() + "\n";
}

std::string account_text(const Turn& turn, const std::vector<Placement>& placements) {
  const TurnAccount& account = turn.account;
  const auto row = [](std::string_view stage, double seconds, const std::string& note) {
    return fmt::format("  {:<14} {:>7.0f} ms  {}\n", stage, 1000 * seconds, note);
  };
  std::string text = row("load", account.load_seconds, "models into memory");
  if (account.audio_in_seconds > 0) {
    text += row("transcribe", account.transcribe_seconds,
                fmt::format("{:.1f} s of speech", account.audio_in_seconds));
  }
  text += row("first token", account.first_token_seconds,
              fmt::format("{} tokens read", account.prompt_tokens));
  text +=
      row("generate", account.generate_seconds, fmt::format("{} tokens", account.generated_tokens));
  if (account.audio_out_seconds > 0) {
    text += row("speak", account.speak_seconds,
                fmt::format("{:.1f} s of sound", account.audio_out_seconds));
    text += row("first audio", account.first_audio_seconds, "from the end of the question");
  }
  text += row("total", account.total_seconds, "");
  for (const Placement& placement : placements) {
    std::string devices;
    for (const PlacedPartition& partition : placement.partitions) {
      if (devices.find(partition.device) == std::string::npos) {
        devices += (devices.empty() ? "" : ", ") + partition.device;
      }
    }
    text += fmt::format("  {:<14} on {}, {}\n", placement.graph, devices,
                        human_bytes(placement.resident_bytes));
  }
  return text;
}

Status run(const Invocation& invocation) {
  const OptionValues& options = invocation.options;
  const std::string text = TENWATT_TRY(question_text(invocation));
  if (text.empty() && !options.has("audio")) {
    return fail(ErrorCode::kUsage, "there is no question",
                "give a text, - for standard input, or --audio FILE");
  }
  const auto runtime = TENWATT_TRY(open_runtime(invocation));
  AssistantOptions parts{.model = options.text("model"),
                         .recognizer = options.text("stt"),
                         .voice = options.text("voice")};
  if (options.has("system")) parts.system = options.text("system");
  const auto assistant = TENWATT_TRY(Assistant::create(runtime, parts));
  AskOptions ask;
  ask.generate = generate_options(invocation);
  ask.transcribe = transcribe_options(invocation);
  ask.say = TENWATT_TRY(say_options(invocation));
  ask.speak = options.has("output");
  std::unique_ptr<SoundWriter> writer;
  if (ask.speak) {
    const int64_t rate = TENWATT_TRY(assistant->sample_rate());
    writer = TENWATT_TRY(SoundWriter::open(options.text("output"), "wav", rate));
  }
  const bool json = options.on("json");
  Assistant::Listener listener;
  listener.on_question = [&](std::string_view question) {
    log_information("question: " + std::string(question));
  };
  listener.on_text = [&](std::string_view piece) { return json || print(piece).has_value(); };
  listener.on_samples = [&](std::span<const float> samples) { return writer->write(samples); };
  Turn turn;
  if (options.has("audio")) {
    const std::vector<float> speech = TENWATT_TRY(read_speech(options.text("audio")));
    turn = TENWATT_TRY(assistant->ask(speech, ask, listener));
  } else {
    turn = TENWATT_TRY(assistant->ask(text, ask, listener));
  }
  if (writer) TENWATT_TRY(writer->close());
  if (json) return print(as_json(turn));
  TENWATT_TRY(print("\n"));
  if (!options.on("account")) return {};
  return print(account_text(turn, TENWATT_TRY(assistant->placement())));
}

}  // namespace

const Verb kAskVerb = {
    .name = "ask",
    .help = "answer one spoken or written question",
    .positionals = {.name = "TEXT", .minimum = 0, .maximum = 1, .help = "text, or - for stdin"},
    .options = kOptions,
    .group = OptionGroup::kRuntime,
    .run = run,
};

}  // namespace tenwatt::cli
