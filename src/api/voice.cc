#include "tenwatt/voice.h"

#include <charconv>

#include "api/runtime_impl.h"
#include "api/voice_impl.h"
#include "audio/wav_writer.h"

namespace tenwatt {
namespace {

constexpr float kSlowest = 0.25f;
constexpr float kFastest = 4.0f;

/// A speaker's number from its name or digits.
Result<int64_t> find_speaker(const files::PiperVoice& voice, const std::string& speaker) {
  if (speaker.empty()) return voice.default_speaker_id;
  const auto named = voice.speaker_id_map.find(speaker);
  if (named != voice.speaker_id_map.end()) return named->second;
  int64_t number = 0;
  const auto [end, error] =
      std::from_chars(speaker.data(), speaker.data() + speaker.size(), number);
  const bool digits = error == std::errc() && end == speaker.data() + speaker.size();
  if (digits && number >= 0 && number < voice.num_speakers) return number;
  return fail(ErrorCode::kInvalidArgument, "the voice has no speaker '" + speaker + "'",
              "choose a number from 0 to " + std::to_string(voice.num_speakers - 1));
}

speaking::Delivery delivery_of(const SayOptions& options) {
  return options.whole ? speaking::Delivery::kWhole : speaking::Delivery::kStreamed;
}

/// One utterance and what it takes. Stays where it is made: the stream's sink refers to the meter.
struct MeteredSpeech {
  MeteredSpeech(const Voice::Impl& voice, const speaking::SpeechOptions& options,
                speaking::Delivery delivery, OnSamples on_samples)
      : meter(voice.synthesizer->sample_rate(), std::move(on_samples)),
        stream(*voice.synthesizer, voice.runtime->impl().phonemizer, options, meter.sink(),
               delivery) {}
  MeteredSpeech(const MeteredSpeech&) = delete;
  MeteredSpeech& operator=(const MeteredSpeech&) = delete;

  Result<SayStats> finish() {
    TENWATT_TRY(stream.finish());
    SayStats stats = meter.stats();
    stats.sentences = stream.sentences();
    for (const auto& [phoneme, count] : stream.missing()) {
      stats.notices.push_back("the voice lacks the phoneme " + phoneme + " (left out " +
                              std::to_string(count) + " times)");
    }
    return stats;
  }

  SpeechMeter meter;
  speaking::SpeechStream stream;
};

class WavSound final : public SoundWriter {
 public:
  explicit WavSound(audio::WavWriter writer) : writer_(std::move(writer)) {}
  Status write(std::span<const float> samples) override { return writer_.write(samples); }
  Status close() override { return writer_.close(); }

 private:
  audio::WavWriter writer_;
};

}  // namespace

Result<speaking::SpeechOptions> to_speech(const files::PiperVoice& voice,
                                          const SayOptions& options) {
  if (!(options.speed >= kSlowest && options.speed <= kFastest)) {
    return fail(ErrorCode::kInvalidArgument,
                "a speed of " + std::to_string(options.speed) + " is not possible",
                "choose 0.25 to 4");
  }
  if (options.noise && !(*options.noise >= 0 && *options.noise <= 10)) {
    return fail(ErrorCode::kInvalidArgument, "the noise must be between 0 and 10");
  }
  speaking::SpeechOptions speech;
  speech.noise_scale = options.noise;
  speech.noise_w = options.noise;
  speech.length_scale = voice.length_scale / options.speed;
  speech.speaker = TENWATT_TRY(find_speaker(voice, options.speaker));
  speech.seed = options.seed;
  speech.cancel = options.cancel;
  return speech;
}

Voice::Voice(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Voice::~Voice() = default;

Result<std::shared_ptr<Voice>> Voice::open(std::shared_ptr<Runtime> runtime,
                                           const std::string& name_or_path) {
  const Stopwatch watch;
  const store::ResolvedModel resolved = TENWATT_TRY(resolve_model(name_or_path));
  if (resolved.kind && *resolved.kind != store::ModelKind::kVoice) {
    return fail(ErrorCode::kInvalidArgument, resolved.name + " is not a voice",
                "tenwatt list shows what there is");
  }
  Runtime::Impl& shared = runtime->impl();
  speaking::SynthesizerOptions options;
  const auto program = TENWATT_TRY(shared.program_options("vocoder", resolved.main));
  options.team = program.team;
  options.source = program.source;
  options.artifact_folder = program.artifact_folder;
  options.text_encoder = shared.plan_options("text-encoder");
  options.flow = shared.plan_options("flow");
  options.vocoder = shared.plan_options("vocoder");
  auto impl = std::make_unique<Impl>();
  impl->synthesizer = TENWATT_TRY(speaking::Synthesizer::open(resolved.main, std::move(options)));
  impl->runtime = std::move(runtime);
  impl->load_seconds = watch.seconds();
  return std::shared_ptr<Voice>(new Voice(std::move(impl)));
}

int64_t Voice::sample_rate() const { return impl_->synthesizer->sample_rate(); }
double Voice::load_seconds() const { return impl_->load_seconds; }
Voice::Impl& Voice::impl() const { return *impl_; }

std::vector<Placement> Voice::placement() const {
  return {to_placement(engine::explain(impl_->synthesizer->encoder())),
          to_placement(engine::explain(impl_->synthesizer->flow().program())),
          to_placement(engine::explain(impl_->synthesizer->vocoder().program()))};
}

Result<SayStats> Voice::say(std::string_view text, const SayOptions& options,
                            const OnSamples& on_samples) const {
  MeteredSpeech speech(*impl_, TENWATT_TRY(to_speech(impl_->synthesizer->voice(), options)),
                       delivery_of(options), on_samples);
  TENWATT_TRY(speech.stream.push(text));
  return speech.finish();
}

Result<SayStats> Voice::say_ids(std::span<const int64_t> ids, const SayOptions& options,
                                const OnSamples& on_samples) const {
  SpeechMeter meter(sample_rate(), on_samples);
  TENWATT_TRY(
      impl_->synthesizer->speak(ids, TENWATT_TRY(to_speech(impl_->synthesizer->voice(), options)),
                                meter.sink(), delivery_of(options)));
  SayStats stats = meter.stats();
  stats.sentences = 1;
  return stats;
}

struct Speech::Impl {
  std::shared_ptr<Voice> voice;
  MeteredSpeech speech;
};

Speech::Speech(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Speech::~Speech() = default;

Result<std::unique_ptr<Speech>> Speech::open(std::shared_ptr<Voice> voice,
                                             const SayOptions& options, OnSamples on_samples) {
  const Voice::Impl& inner = voice->impl();
  const auto speech = TENWATT_TRY(to_speech(inner.synthesizer->voice(), options));
  return std::unique_ptr<Speech>(new Speech(std::unique_ptr<Impl>(
      new Impl{std::move(voice), {inner, speech, delivery_of(options), std::move(on_samples)}})));
}

Status Speech::push(std::string_view text) { return impl_->speech.stream.push(text); }
Result<SayStats> Speech::finish() { return impl_->speech.finish(); }
const std::string& Speech::spoken() const { return impl_->speech.stream.spoken(); }

Result<std::unique_ptr<SoundWriter>> SoundWriter::open(const std::string& path,
                                                       const std::string& format, int64_t rate) {
  audio::WavFormat wav{.rate = static_cast<int>(rate)};
  if (format == "f32" || format == "s16") {
    wav.container = audio::Container::kRaw;
    wav.encoding = format == "f32" ? audio::SampleEncoding::kF32 : audio::SampleEncoding::kS16;
  } else if (format != "wav") {
    return fail(ErrorCode::kInvalidArgument, "there is no sound format '" + format + "'",
                "choose wav, f32 or s16");
  }
  return std::make_unique<WavSound>(TENWATT_TRY(audio::WavWriter::create(path, wav)));
}

}  // namespace tenwatt
