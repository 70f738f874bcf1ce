// tenwatt bench: how fast the stages are on this machine.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "cli/json.h"
#include "cli/model_options.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "tenwatt/assistant.h"
#include "tenwatt/bench.h"

namespace tenwatt::cli {
namespace {

constexpr std::array kOptions = {
    kModelOption,
    kSttOption,
    kVoiceOption,
    kSystemOption,
    OptionSpec{.name = "audio", .value_name = "FILE", .help = "speech, for stt and turn"},
    OptionSpec{.name = "text",
               .default_value = "The quick brown fox jumps over the lazy dog. It is a fine day.",
               .value_name = "TEXT",
               .help = "what tts says"},
    OptionSpec{.name = "prompt",
               .type = OptionType::kInteger,
               .default_value = "512",
               .value_name = "N",
               .help = "prompt tokens, for llm"},
    OptionSpec{.name = "generate",
               .type = OptionType::kInteger,
               .default_value = "128",
               .value_name = "N",
               .help = "generated tokens, for llm and turn"},
    OptionSpec{.name = "repeat",
               .type = OptionType::kInteger,
               .default_value = "3",
               .value_name = "N",
               .help = "runs"},
    OptionSpec{.name = "json", .type = OptionType::kSwitch, .help = "as JSON"},
};

/// The p-th percentile of unsorted values, by the nearest rank.
double percentile(std::vector<double> values, int p) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  const size_t rank = (values.size() * static_cast<size_t>(p) + 99) / 100;
  return values[std::clamp<size_t>(rank, 1, values.size()) - 1];
}

constexpr int kMostRuns = 10000;

Result<std::vector<float>> bench_speech(const std::string& path) {
  std::vector<float> speech = TENWATT_TRY(read_speech(path));
  if (!speech.empty()) return speech;
  return fail(ErrorCode::kInvalidArgument, path + " holds no sound", "give a recorded sentence");
}

Status bench_llm(const Invocation& invocation, const std::shared_ptr<Runtime>& runtime) {
  const OptionValues& options = invocation.options;
  const LanguageBench bench = TENWATT_TRY(bench_language(
      runtime, options.text("model"), options.integer("prompt"), options.integer("generate"),
      TENWATT_TRY(repeats(invocation, kMostRuns)), invocation.cancel));
  if (!options.on("json")) {
    return print(fmt::format(
        "{} on {} threads\n  prefill {:>8.1f} tokens/s ({} tokens)\n  decode  {:>8.1f} tokens/s "
        "({} tokens)\n  {:.1f} of {:.1f} GB/s read: {:.0f} % of the roof\n  first token after "
        "{:.0f} ms, load {:.0f} ms, peak memory {:.0f} MB\n",
        bench.model, bench.threads, bench.prefill_tokens_per_second, bench.prompt_tokens,
        bench.decode_tokens_per_second, bench.generated, bench.bandwidth_gb_s, bench.roof_gb_s,
        100 * bench.roofline_fraction, bench.first_token_ms, bench.load_ms, bench.peak_rss_mb));
  }
  JsonWriter json;
  json.begin_object();
  json.member("model", bench.model).member("threads", bench.threads);
  json.member("prompt_tokens", bench.prompt_tokens).member("generated_tokens", bench.generated);
  json.member("prefill_tok_s", bench.prefill_tokens_per_second);
  json.member("decode_tok_s", bench.decode_tokens_per_second);
  json.member("ttft_ms", bench.first_token_ms);
  json.member("bytes_per_token", bench.bytes_per_token);
  json.member("bandwidth_gb_s", bench.bandwidth_gb_s).member("roof_gb_s", bench.roof_gb_s);
  json.member("roofline_fraction", bench.roofline_fraction);
  json.member("peak_rss_mb", bench.peak_rss_mb).member("load_ms", bench.load_ms);
  json.key("joules_per_token").null();
  return print(json.end_object().text() + "\n");
}

Status bench_stt(const Invocation& invocation, const std::shared_ptr<Runtime>& runtime) {
  const OptionValues& options = invocation.options;
  if (!options.has("audio")) {
    return fail(ErrorCode::kUsage, "bench stt needs speech", "add --audio FILE");
  }
  const std::vector<float> speech = TENWATT_TRY(bench_speech(options.text("audio")));
  const auto recognizer = TENWATT_TRY(Recognizer::open(runtime, options.text("stt")));
  std::vector<double> wall;
  std::vector<double> encode;
  std::vector<double> decode;
  std::string text;
  TranscribeOptions transcribe;
  transcribe.cancel = invocation.cancel;
  for (int i = TENWATT_TRY(repeats(invocation, kMostRuns)); i > 0; --i) {
    const Transcript transcript = TENWATT_TRY(recognizer->transcribe(speech, transcribe));
    wall.push_back(transcript.wall_seconds);
    encode.push_back(1000 * transcript.encode_seconds);
    decode.push_back(1000 * transcript.decode_seconds);
    text = transcript.text;
  }
  const double audio = static_cast<double>(speech.size()) / 16000.0;
  const double seconds = percentile(wall, 50);
  if (!options.on("json")) {
    return print(
        fmt::format("{}: {:.2f} s for {:.2f} s of speech (real-time factor {:.3f}); "
                    "encoder {:.0f} ms, decoder {:.0f} ms\n{}\n",
                    options.text("stt"), seconds, audio, seconds / audio, percentile(encode, 50),
                    percentile(decode, 50), text));
  }
  JsonWriter json;
  json.begin_object().member("model", options.text("stt")).member("audio_s", audio);
  json.member("wall_s", seconds).member("rtf", seconds / audio);
  json.member("encode_ms", percentile(encode, 50)).member("decode_ms", percentile(decode, 50));
  return print(json.member("text", text).end_object().text() + "\n");
}

Status bench_tts(const Invocation& invocation, const std::shared_ptr<Runtime>& runtime) {
  const OptionValues& options = invocation.options;
  const auto voice = TENWATT_TRY(Voice::open(runtime, options.text("voice")));
  std::vector<double> wall;
  std::vector<double> first;
  double audio = 0;
  SayOptions say;
  say.cancel = invocation.cancel;
  for (int i = TENWATT_TRY(repeats(invocation, kMostRuns)); i > 0; --i) {
    const SayStats stats = TENWATT_TRY(voice->say(options.text("text"), say, {}));
    wall.push_back(stats.wall_seconds);
    first.push_back(1000 * stats.first_audio_seconds);
    audio = stats.audio_seconds;
  }
  if (audio == 0) {
    return fail(ErrorCode::kInvalidArgument, "the text holds nothing that can be spoken",
                "give a sentence with --text");
  }
  const double seconds = percentile(wall, 50);
  if (!options.on("json")) {
    return print(fmt::format(
        "{}: {:.2f} s for {:.2f} s of sound (real-time factor {:.3f}), the first after {:.0f} ms\n",
        options.text("voice"), seconds, audio, seconds / audio, percentile(first, 50)));
  }
  JsonWriter json;
  json.begin_object().member("voice", options.text("voice")).member("audio_s", audio);
  json.member("wall_s", seconds).member("rtf", seconds / audio);
  return print(json.member("first_audio_ms", percentile(first, 50)).end_object().text() + "\n");
}

Status bench_turn(const Invocation& invocation, const std::shared_ptr<Runtime>& runtime) {
  const OptionValues& options = invocation.options;
  if (!options.has("audio")) {
    return fail(ErrorCode::kUsage, "bench turn needs a spoken question", "add --audio FILE");
  }
  const std::vector<float> speech = TENWATT_TRY(bench_speech(options.text("audio")));
  std::vector<double> stt;
  std::vector<double> first_token;
  std::vector<double> first_sound;
  std::vector<double> audible;
  AssistantOptions parts{.model = options.text("model"),
                         .recognizer = options.text("stt"),
                         .voice = options.text("voice")};
  if (options.has("system")) parts.system = options.text("system");
  const auto assistant = TENWATT_TRY(Assistant::create(runtime, parts));
  TENWATT_TRY(assistant->load());
  AskOptions ask;
  ask.generate.max_tokens = options.integer("generate");
  ask.generate.cancel = invocation.cancel;
  ask.transcribe.cancel = invocation.cancel;
  ask.say.cancel = invocation.cancel;
  for (int i = TENWATT_TRY(repeats(invocation, kMostRuns)); i > 0; --i) {
    TENWATT_TRY(assistant->reset());
    const Turn turn = TENWATT_TRY(assistant->ask(speech, ask, {}));
    const TurnAccount& account = turn.account;
    stt.push_back(1000 * account.transcribe_seconds);
    first_token.push_back(1000 * account.first_token_seconds);
    audible.push_back(1000 * account.first_audio_seconds);
    first_sound.push_back(1000 * (account.first_audio_seconds - account.transcribe_seconds -
                                  account.first_token_seconds));
  }
  // A file has no end of speech to detect: the question is complete when it is given.
  std::vector<double> none(stt.size(), 0.0);
  const std::array rows = {std::pair("endpoint_ms", &none), std::pair("stt_tail_ms", &stt),
                           std::pair("ttft_ms", &first_token),
                           std::pair("tts_first_ms", &first_sound),
                           std::pair("first_audible_ms", &audible)};
  if (options.on("json")) {
    JsonWriter json;
    json.begin_object();
    for (const auto& [name, values] : rows) {
      json.key(name).begin_object();
      json.member("p50", percentile(*values, 50)).member("p95", percentile(*values, 95));
      json.end_object();
    }
    json.key("joules").null();
    return print(json.end_object().text() + "\n");
  }
  std::string text = fmt::format("{:<18} {:>9} {:>9}\n", "", "P50", "P95");
  for (const auto& [name, values] : rows) {
    text += fmt::format("{:<18} {:>9.1f} {:>9.1f}\n", name, percentile(*values, 50),
                        percentile(*values, 95));
  }
  return print(text);
}

Status run(const Invocation& invocation) {
  using Bench = Status (*)(const Invocation&, const std::shared_ptr<Runtime>&);
  constexpr std::array<std::pair<std::string_view, Bench>, 4> kBenches = {
      {{"llm", bench_llm}, {"stt", bench_stt}, {"tts", bench_tts}, {"turn", bench_turn}}};
  const auto found = std::ranges::find(kBenches, std::string_view(invocation.arguments[0]),
                                       [](const auto& row) { return row.first; });
  if (found == kBenches.end()) {
    return fail(ErrorCode::kUsage, "there is no bench '" + invocation.arguments[0] + "'",
                "choose llm, stt, tts or turn");
  }
  TENWATT_TRY(repeats(invocation, kMostRuns));  // before anything is loaded
  return found->second(invocation, TENWATT_TRY(open_runtime(invocation)));
}

}  // namespace

const Verb kBenchVerb = {
    .name = "bench",
    .help = "speed of a stage on this machine",
    .positionals = {.name = "llm|stt|tts|turn", .minimum = 1, .maximum = 1, .help = "the stage"},
    .options = kOptions,
    .group = OptionGroup::kRuntime,
    .run = run,
};

}  // namespace tenwatt::cli
