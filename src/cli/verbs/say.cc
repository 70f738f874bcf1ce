// tenwatt say: text to a sound file or to standard output.
#include <fmt/format.h>

#include <array>

#include "base/log.h"
#include "cli/json.h"
#include "cli/model_options.h"
#include "cli/output.h"
#include "cli/standard_input.h"
#include "cli/verbs.h"
#include "tenwatt/voice.h"

namespace tenwatt::cli {
namespace {

constexpr std::array<std::string_view, 3> kFormats = {"wav", "f32", "s16"};
constexpr std::array kOptions = {
    OptionSpec{.name = "output",
               .letter = 'o',
               .default_value = "say.wav",
               .value_name = "FILE",
               .help = "sound file; - for standard output"},
    OptionSpec{.name = "format",
               .default_value = "wav",
               .value_name = "wav|f32|s16",
               .help = "WAV, or raw little-endian samples",
               .choices = kFormats},
    OptionSpec{
        .name = "ids", .value_name = "FILE", .help = "phoneme ids instead of text, a JSON list"},
    OptionSpec{.name = "whole",
               .type = OptionType::kSwitch,
               .help = "each sentence in one run instead of windows (the sound is the same)"},
    kVoiceOption,
    kSpeakerOption,
    kSpeedOption,
    kNoiseOption,
    OptionSpec{
        .name = "json", .type = OptionType::kSwitch, .help = "print length and speed as JSON"},
};

Result<std::string> text_to_say(const Invocation& invocation) {
  if (invocation.arguments.empty()) {
    return fail(ErrorCode::kUsage, "there is nothing to say",
                "give a text, - for standard input, or --ids FILE");
  }
  if (invocation.arguments[0] != "-") return invocation.arguments[0];
  return read_standard_input(invocation.cancel);
}

std::string as_json(const SayStats& stats, const std::string& path) {
  JsonWriter json;
  json.begin_object().member("output", path).member("audio_s", stats.audio_seconds);
  json.member("wall_s", stats.wall_seconds);
  json.member("first_audio_ms", 1000 * stats.first_audio_seconds);
  json.member("sentences", stats.sentences).member("notices", stats.notices);
  return json.end_object().text() + "\n";
}

void report(const SayStats& stats, const std::string& path) {
  for (const std::string& notice : stats.notices) log_warning(notice);
  if (stats.audio_seconds == 0) log_warning("there was nothing to speak: the sound is empty");
  log_information(fmt::format("{:.2f} s of sound in {:.2f} s, the first after {:.0f} ms{}",
                              stats.audio_seconds, stats.wall_seconds,
                              1000 * stats.first_audio_seconds, path == "-" ? "" : ": " + path));
}

Status run(const Invocation& invocation) {
  const OptionValues& options = invocation.options;
  const std::string path = options.text("output");
  if (path == "-" && options.on("json")) {
    return fail(ErrorCode::kUsage, "--json and the sound can't share standard output",
                "give a file with -o");
  }
  if (options.has("ids") && !invocation.arguments.empty()) {
    return fail(ErrorCode::kUsage, "say takes a text or --ids, not both");
  }
  SayOptions say = TENWATT_TRY(say_options(invocation));
  say.whole = options.on("whole");
  const auto runtime = TENWATT_TRY(open_runtime(invocation));
  std::vector<int64_t> ids;
  std::string text;
  if (options.has("ids")) {
    ids = TENWATT_TRY(read_id_list(options.text("ids")));
  } else {
    text = TENWATT_TRY(text_to_say(invocation));
  }
  const auto voice = TENWATT_TRY(Voice::open(runtime, options.text("voice")));
  const auto writer =
      TENWATT_TRY(SoundWriter::open(path, options.text("format"), voice->sample_rate()));
  const OnSamples on_samples = [&](std::span<const float> samples) {
    return writer->write(samples);
  };
  const SayStats stats = options.has("ids") ? TENWATT_TRY(voice->say_ids(ids, say, on_samples))
                                            : TENWATT_TRY(voice->say(text, say, on_samples));
  TENWATT_TRY(writer->close());
  report(stats, path);
  return options.on("json") ? print(as_json(stats, path)) : Status();
}

}  // namespace

const Verb kSayVerb = {
    .name = "say",
    .help = "speak a text into a sound file",
    .positionals = {.name = "TEXT", .minimum = 0, .maximum = 1, .help = "text, or - for stdin"},
    .options = kOptions,
    .group = OptionGroup::kRuntime,
    .run = run,
};

}  // namespace tenwatt::cli
