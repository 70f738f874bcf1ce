// tenwatt transcribe: sound files to text.
#include <fmt/format.h>

#include <array>
#include <optional>

#include "base/log.h"
#include "cli/json.h"
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
    OptionSpec{.name = "translate",
               .type = OptionType::kSwitch,
               .help = "write it in English, whatever the language (not with English-only models)"},
    OptionSpec{.name = "json", .type = OptionType::kSwitch, .help = "the same as -f json"},
};

/// Where transcripts go. Several in JSON make one object, so that the output is one document.
class Pages {
 public:
  Pages(std::string format, size_t files)
      : format_(std::move(format)), joined_(format_ == "json" && files > 1) {}
  bool plain() const { return format_ == "txt"; }

  Status add(const std::string& path, const Transcript& transcript) {
    std::string text = TENWATT_TRY(format_transcript(transcript, format_));
    if (!joined_) return print(text);
    JsonWriter name;
    text = (begun_ ? ",\n" : "{\n") + name.value(path).text() + ": " + text;
    begun_ = true;
    return print(text);
  }
  Status end() const {
    if (!joined_) return {};
    return print(begun_ ? "}\n" : "{}\n");
  }

 private:
  std::string format_;
  bool joined_;
  bool begun_ = false;
};

/// Writes one file's transcript. Plain text is printed segment by segment, so that a long recording
/// shows its progress; the other forms are printed at the end, or as far as they came before
/// Ctrl-C.
Status transcribe(const Recognizer& recognizer, const std::string& path,
                  const TranscribeOptions& options, Pages& pages) {
  const std::vector<float> speech = TENWATT_TRY(read_speech(path));
  const bool plain = pages.plain();
  Status printed;
  Transcript heard;
  heard.language = options.language;
  heard.audio_seconds = static_cast<double>(speech.size()) / 16000.0;
  const auto transcript =
      recognizer.transcribe(speech, options, [&](const TranscriptSegment& segment) {
        heard.segments.push_back(segment);
        const size_t start = segment.text.find_first_not_of(' ');
        if (plain && printed && start != std::string::npos) {
          printed = print(segment.text.substr(start) + "\n");
        }
      });
  TENWATT_TRY(Status(printed));
  const bool cancelled = !transcript && transcript.error().code == ErrorCode::kCancelled;
  if (!plain && (transcript || (cancelled && !heard.segments.empty()))) {
    const Transcript& known = transcript ? *transcript : heard;
    TENWATT_TRY(pages.add(path, known));
  }
  if (cancelled) {
    const double reached = heard.segments.empty() ? 0 : heard.segments.back().end;
    return fail(ErrorCode::kCancelled, fmt::format("{}: stopped at {:.1f} s of {:.1f} s", path,
                                                   reached, heard.audio_seconds));
  }
  if (!transcript) return std::unexpected(transcript.error());
  if (transcript->text.empty()) log_warning(path + ": no speech was heard");
  log_information(fmt::format("{}: {:.1f} s of sound in {:.2f} s", path, transcript->audio_seconds,
                              transcript->wall_seconds));
  return {};
}

/// A file that can't be read does not keep the others from being heard.
Status transcribe_all(const Recognizer& recognizer, const std::vector<std::string>& paths,
                      const TranscribeOptions& options, Pages& pages) {
  std::optional<Error> last;
  size_t failed = 0;
  for (const std::string& path : paths) {
    const Status done = transcribe(recognizer, path, options, pages);
    if (done) continue;
    const ErrorCode code = done.error().code;
    const bool for_all = code == ErrorCode::kCancelled || code == ErrorCode::kModelMissing;
    if (for_all || paths.size() == 1) return done;
    print_error(done.error());
    last = done.error();
    ++failed;
  }
  if (!last) return {};
  return fail(last->code,
              fmt::format("{} of {} files could not be transcribed", failed, paths.size()),
              "what stands below each error above");
}

Status run(const Invocation& invocation) {
  TranscribeOptions options = transcribe_options(invocation);
  options.prompt = invocation.options.text("prompt");
  options.temperature = static_cast<float>(invocation.options.number("temperature"));
  options.voice_activity = invocation.options.on("vad");
  options.translate = invocation.options.on("translate");
  if (!(options.temperature >= 0 && options.temperature <= 100)) {
    return fail(ErrorCode::kUsage, fmt::format("--temperature is {}", options.temperature),
                "choose 0 to 100");
  }
  const std::string format =
      invocation.options.on("json") ? "json" : invocation.options.text("format");
  const auto runtime = TENWATT_TRY(open_runtime(invocation));
  const auto recognizer = TENWATT_TRY(Recognizer::open(runtime, invocation.options.text("stt")));
  Pages pages(format, invocation.arguments.size());
  const Status done = transcribe_all(*recognizer, invocation.arguments, options, pages);
  TENWATT_TRY(pages.end());
  return done;
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
