// tenwatt transcribe: sound files to text.
#include <fmt/format.h>

#include <array>

#include "base/log.h"
#include "cli/model_options.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "tenwatt/recognizer.h"

namespace tenwatt::cli {
namespace {

constexpr std::array<std::string_view, 6> kFormats = {"txt", "srt", "vtt", "json", "csv", "lrc"};
constexpr std::array kOptions = {
    kSttOption,
    OptionSpec{.name = "format",
               .letter = 'f',
               .default_value = "txt",
               .value_name = "txt|srt|vtt|json|csv|lrc",
               .help = "form of the transcript",
               .choices = kFormats},
    kLanguageOption,
    OptionSpec{.name = "prompt", .value_name = "TEXT", .help = "text that comes before"},
    kNoFallbackOption,
    kNoContextOption,
    OptionSpec{.name = "temperature",
               .type = OptionType::kNumber,
               .default_value = "0",
               .value_name = "T",
               .help = "of the sampling; 0 is greedy"},
    OptionSpec{.name = "vad", .type = OptionType::kSwitch, .help = "leave out what is not speech"},
};

Status run(const Invocation& invocation) {
  const auto runtime = TENWATT_TRY(open_runtime(invocation));
  const std::string format = invocation.options.text("format");
  TranscribeOptions options = transcribe_options(invocation);
  options.prompt = invocation.options.text("prompt");
  options.temperature = static_cast<float>(invocation.options.number("temperature"));
  options.voice_activity = invocation.options.on("vad");
  const auto recognizer = TENWATT_TRY(Recognizer::open(runtime, invocation.options.text("stt")));
  for (const std::string& path : invocation.arguments) {
    const std::vector<float> speech = TENWATT_TRY(read_speech(path));
    // Plain text is printed segment by segment, so that a long recording shows its progress.
    Status printed;
    const bool plain = format == "txt";
    const Transcript transcript =
        TENWATT_TRY(recognizer->transcribe(speech, options, [&](const TranscriptSegment& segment) {
          const size_t start = segment.text.find_first_not_of(' ');
          if (plain && printed && start != std::string::npos) {
            printed = print(segment.text.substr(start) + "\n");
          }
        }));
    TENWATT_TRY(Status(printed));
    if (!plain) TENWATT_TRY(print(TENWATT_TRY(format_transcript(transcript, format))));
    log_information(fmt::format("{}: {:.1f} s of sound in {:.2f} s", path, transcript.audio_seconds,
                                transcript.wall_seconds));
  }
  return {};
}

}  // namespace

const Verb kTranscribeVerb = {
    .name = "transcribe",
    .help = "write down what is said in sound files",
    .positionals = {.name = "FILE...",
                    .minimum = 1,
                    .maximum = 100000,
                    .help = "WAV or FLAC, any rate and channel count"},
    .options = kOptions,
    .group = OptionGroup::kRuntime,
    .run = run,
};

}  // namespace tenwatt::cli
