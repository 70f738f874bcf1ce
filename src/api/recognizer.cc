#include "tenwatt/recognizer.h"

#include "api/runtime_impl.h"
#include "audio/speech.h"
#include "hearing/transcriber.h"
#include "hearing/transcript_writer.h"
#include "hearing/vad.h"
#include "hearing/whisper_engine.h"

namespace tenwatt {
namespace {

TranscriptSegment to_segment(const hearing::Segment& segment) {
  return {.seek = segment.seek,
          .start = segment.start,
          .end = segment.end,
          .text = segment.text,
          .tokens = segment.tokens,
          .average_log_probability = segment.avg_logprob,
          .no_speech_probability = segment.no_speech_prob,
          .compression_ratio = segment.compression_ratio,
          .temperature = segment.temperature};
}

hearing::Segment from_segment(const TranscriptSegment& segment, int64_t id) {
  hearing::Segment inner;
  inner.id = id;
  inner.seek = segment.seek;
  inner.start = segment.start;
  inner.end = segment.end;
  inner.text = segment.text;
  inner.tokens = segment.tokens;
  inner.avg_logprob = segment.average_log_probability;
  inner.no_speech_prob = segment.no_speech_probability;
  inner.compression_ratio = segment.compression_ratio;
  inner.temperature = segment.temperature;
  return inner;
}

/// Speech stretches with silence in between taken out, and the way back to the recording's clock.
class SpeechOnly {
 public:
  SpeechOnly(std::span<const float> speech,
             const std::vector<hearing::SpeechGate::Stretch>& stretches) {
    for (const auto& stretch : stretches) {
      offsets_.push_back({static_cast<int64_t>(samples_.size()), stretch.first});
      samples_.insert(samples_.end(), speech.begin() + stretch.first, speech.begin() + stretch.end);
    }
  }
  const std::vector<float>& samples() const { return samples_; }
  double original_seconds(double seconds) const {
    const auto sample = static_cast<int64_t>(seconds * audio::kSpeechRate);
    int64_t shift = 0;
    for (const Offset& offset : offsets_) {
      if (offset.here <= sample) shift = offset.there - offset.here;
    }
    return seconds + static_cast<double>(shift) / audio::kSpeechRate;
  }

 private:
  struct Offset {
    int64_t here;
    int64_t there;
  };
  std::vector<float> samples_;
  std::vector<Offset> offsets_;
};

}  // namespace

struct Recognizer::Impl {
  std::shared_ptr<Runtime> runtime;
  std::shared_ptr<const hearing::WhisperEngine> engine;
  double load_seconds = 0;
};

struct VoiceActivity::Impl {
  std::shared_ptr<Runtime> runtime;
  std::shared_ptr<const hearing::VadEngine> engine;
};

Recognizer::Recognizer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Recognizer::~Recognizer() = default;
double Recognizer::load_seconds() const { return impl_->load_seconds; }

Result<std::shared_ptr<Recognizer>> Recognizer::open(std::shared_ptr<Runtime> runtime,
                                                     const std::string& name_or_path) {
  const Stopwatch watch;
  const store::ResolvedModel resolved = TENWATT_TRY(resolve_model(name_or_path));
  if (resolved.kind && *resolved.kind != store::ModelKind::kRecognizer) {
    return fail(ErrorCode::kInvalidArgument, resolved.name + " is not a recogniser",
                "tenwatt list shows what there is");
  }
  auto impl = std::make_unique<Impl>();
  hearing::WhisperPlacement placement;
  placement.encoder = TENWATT_TRY(runtime->impl().program_options("encoder", resolved.main));
  placement.decoder = TENWATT_TRY(runtime->impl().program_options("decoder", resolved.main));
  impl->engine = TENWATT_TRY(hearing::WhisperEngine::load(resolved.main, std::move(placement)));
  impl->runtime = std::move(runtime);
  impl->load_seconds = watch.seconds();
  return std::shared_ptr<Recognizer>(new Recognizer(std::move(impl)));
}

Result<Transcript> Recognizer::transcribe(std::span<const float> speech,
                                          const TranscribeOptions& options,
                                          const OnSegment& on_segment) const {
  const Stopwatch watch;
  hearing::TranscribeOptions inner;
  inner.language = options.language;
  inner.task = options.translate ? hearing::Task::kTranslate : hearing::Task::kTranscribe;
  inner.seed = options.seed;
  inner.prompt = options.prompt;
  inner.timestamps = options.timestamps ? hearing::Timestamps::kOn : hearing::Timestamps::kOff;
  inner.context = options.context ? hearing::Context::kPreviousText : hearing::Context::kNone;
  if (options.temperature > 0) inner.temperatures = {options.temperature};
  if (!options.fallback) {
    inner.without_fallback();
    inner.temperatures = {options.temperature};
  }
  std::optional<SpeechOnly> only;
  if (options.voice_activity) {
    const auto vad = TENWATT_TRY(VoiceActivity::open(impl_->runtime));
    std::vector<hearing::SpeechGate::Stretch> stretches;
    for (const SpeechSpan& span : TENWATT_TRY(vad->spans(speech))) {
      stretches.push_back({static_cast<int64_t>(span.start * audio::kSpeechRate),
                           static_cast<int64_t>(span.end * audio::kSpeechRate)});
    }
    only.emplace(speech, stretches);
  }
  const auto restore = [&](TranscriptSegment segment) {
    if (only) {
      segment.start = only->original_seconds(segment.start);
      segment.end = only->original_seconds(segment.end);
    }
    return segment;
  };
  if (on_segment) {
    inner.on_segment = [&](const hearing::Segment& segment) {
      on_segment(restore(to_segment(segment)));
    };
  }
  hearing::Transcriber transcriber = impl_->engine->open(options.cancel);
  const hearing::Transcript found = TENWATT_TRY(
      transcriber.transcribe(only ? std::span<const float>(only->samples()) : speech, inner));
  Transcript transcript;
  transcript.language = found.language;
  transcript.language_probability = found.language_probability;
  transcript.audio_seconds = static_cast<double>(speech.size()) / audio::kSpeechRate;
  transcript.text = found.text();
  transcript.encode_seconds = found.encode_seconds;
  transcript.decode_seconds = found.decode_seconds;
  for (const hearing::Segment& segment : found.segments) {
    transcript.segments.push_back(restore(to_segment(segment)));
  }
  transcript.wall_seconds = watch.seconds();
  return transcript;
}

std::vector<Placement> Recognizer::placement() const {
  return {to_placement(engine::explain(impl_->engine->encoder())),
          to_placement(engine::explain(impl_->engine->decoder()))};
}

Result<std::vector<float>> read_speech(const std::string& path) { return audio::load_speech(path); }

Result<std::string> format_transcript(const Transcript& transcript, const std::string& format) {
  const auto known = hearing::transcript_format(format);
  if (!known) {
    return fail(ErrorCode::kInvalidArgument, "there is no transcript format '" + format + "'",
                "choose from: " + hearing::transcript_format_names());
  }
  hearing::Transcript inner;
  inner.language = transcript.language;
  inner.language_probability = transcript.language_probability;
  inner.duration = transcript.audio_seconds;
  int64_t id = 0;
  for (const TranscriptSegment& segment : transcript.segments) {
    inner.segments.push_back(from_segment(segment, id++));
  }
  return hearing::write_transcript(inner, *known);
}

VoiceActivity::VoiceActivity(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
VoiceActivity::~VoiceActivity() = default;

Result<std::shared_ptr<VoiceActivity>> VoiceActivity::open(std::shared_ptr<Runtime> runtime,
                                                           const std::string& name_or_path) {
  const store::ResolvedModel resolved = TENWATT_TRY(resolve_model(name_or_path));
  auto impl = std::make_unique<Impl>();
  impl->engine = TENWATT_TRY(hearing::VadEngine::load(
      resolved.main, TENWATT_TRY(runtime->impl().program_options("vad", resolved.main))));
  impl->runtime = std::move(runtime);
  return std::shared_ptr<VoiceActivity>(new VoiceActivity(std::move(impl)));
}

Result<std::vector<float>> VoiceActivity::probabilities(std::span<const float> speech) const {
  return hearing::speech_probabilities(impl_->engine, speech);
}

Result<std::vector<SpeechSpan>> VoiceActivity::spans(std::span<const float> speech) const {
  std::vector<SpeechSpan> spans;
  for (const auto& stretch : TENWATT_TRY(hearing::find_speech(impl_->engine, speech))) {
    spans.push_back({static_cast<double>(stretch.first) / audio::kSpeechRate,
                     static_cast<double>(stretch.end) / audio::kSpeechRate});
  }
  return spans;
}

}  // namespace tenwatt
