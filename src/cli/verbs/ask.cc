// tenwatt ask: one turn. A spoken or written question in, a written and spoken answer out.
#include <fmt/format.h>

#include <array>
#include <filesystem>

#include "base/log.h"
#include "cli/json.h"
#include "cli/model_options.h"
#include "cli/output.h"
#include "cli/standard_input.h"
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
  std::string text = TENWATT_TRY(read_standard_input(invocation.cancel));
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text;
}

std::string as_json(const Turn& turn) {
  const TurnAccount& account = turn.account;
  JsonWriter json;
  json.begin_object();
  json.member("question", turn.question).member("answer", turn.answer);
  json.member("spoken", turn.spoken).member("stop", turn.stop);
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

/// The sound file of the answer. Nothing is left of one that got no sound before a failure.
class AnswerFile {
 public:
  explicit AnswerFile(std::string path) : path_(std::move(path)) {}
  AnswerFile(const AnswerFile&) = delete;
  AnswerFile& operator=(const AnswerFile&) = delete;
  ~AnswerFile() {
    if (!writer_ || complete_) return;
    (void)writer_->close();
    std::error_code ignored;
    if (!written_ && std::filesystem::is_regular_file(path_, ignored)) {
      std::filesystem::remove(path_, ignored);
    }
  }

  Status open(int64_t rate) {
    writer_ = TENWATT_TRY(SoundWriter::open(path_, "wav", rate));
    return {};
  }
  Status write(std::span<const float> samples) {
    written_ = true;
    return writer_->write(samples);
  }
  Status close() {
    complete_ = true;
    return writer_->close();
  }

 private:
  std::string path_;
  std::unique_ptr<SoundWriter> writer_;
  bool written_ = false;
  bool complete_ = false;
};

Result<AskOptions> ask_options(const Invocation& invocation) {
  AskOptions ask;
  ask.generate = TENWATT_TRY(generate_options(invocation));
  ask.transcribe = transcribe_options(invocation);
  ask.say = TENWATT_TRY(say_options(invocation));
  ask.speak = invocation.options.has("output");
  return ask;
}

/// The answer as it comes: onto standard output, unless something else goes there.
class AnswerText {
 public:
  explicit AnswerText(bool shown) : shown_(shown) {}
  bool operator()(std::string_view piece) {
    if (!shown_) return true;
    begun_ = true;
    status_ = print(piece);
    return status_.has_value();
  }
  /// Ends the line; the error of a stream that took no more.
  Status end() const {
    TENWATT_TRY(Status(status_));
    return begun_ ? print("\n") : Status();
  }

 private:
  bool shown_;
  bool begun_ = false;
  Status status_;
};

Status run(const Invocation& invocation) {
  const OptionValues& options = invocation.options;
  const bool json = options.on("json");
  const bool sound_on_stdout = options.text("output") == "-";
  if (json && sound_on_stdout) {
    return fail(ErrorCode::kUsage, "--json and the sound can't share standard output",
                "give a file with -o");
  }
  AskOptions ask = TENWATT_TRY(ask_options(invocation));
  ask.text_before = TENWATT_TRY(question_text(invocation));
  const std::string& text = ask.text_before;
  std::vector<float> speech;
  if (options.has("audio")) speech = TENWATT_TRY(read_speech(options.text("audio")));
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
  AnswerFile file(options.text("output"));
  if (ask.speak) TENWATT_TRY(file.open(TENWATT_TRY(assistant->sample_rate())));
  AnswerText shown(!json && !sound_on_stdout);
  Assistant::Listener listener;
  listener.on_question = [&](std::string_view question) {
    log_information("question: " + std::string(question));
  };
  listener.on_text = [&](std::string_view piece) { return shown(piece); };
  listener.on_samples = [&](std::span<const float> samples) { return file.write(samples); };
  const auto turn = options.has("audio") ? assistant->ask(speech, ask, listener)
                                         : assistant->ask(text, ask, listener);
  TENWATT_TRY(shown.end());
  if (!turn) return std::unexpected(turn.error());
  if (ask.speak) TENWATT_TRY(file.close());
  if (sound_on_stdout) log_information("answer: " + turn->answer);
  if (json) TENWATT_TRY(print(as_json(*turn)));
  if (options.on("account")) {
    const std::string account = account_text(*turn, assistant->placement());
    if (json || sound_on_stdout) {
      log_information("account:\n" + account);
    } else {
      TENWATT_TRY(print(account));
    }
  }
  if (turn->stop == "cancelled") return fail(ErrorCode::kCancelled, "the answer was stopped");
  if (turn->stop == "length") {
    log_warning(fmt::format("the answer was cut after {} tokens: -n N allows more",
                            turn->account.generated_tokens));
  }
  return {};
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
