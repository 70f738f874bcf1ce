// The turn of a spoken or written question: hear, think, speak. The answer is spoken clause by
// clause while it is still being written.
#include "tenwatt/assistant.h"

#include "api/model_impl.h"
#include "api/voice_impl.h"

namespace tenwatt {

struct Assistant::Impl {
  std::shared_ptr<Runtime> runtime;
  AssistantOptions options;
  std::shared_ptr<Recognizer> recognizer;
  std::shared_ptr<Model> model;
  std::unique_ptr<Chat> chat;
  std::shared_ptr<Voice> voice;

  Status load_recognizer() {
    if (!recognizer) recognizer = TENWATT_TRY(Recognizer::open(runtime, options.recognizer));
    return {};
  }
  Status load_chat() {
    if (!model) model = TENWATT_TRY(Model::open(runtime, options.model));
    if (!chat) chat = TENWATT_TRY(Chat::open(model, options.system));
    return {};
  }
  Status load_voice() {
    if (!voice) voice = TENWATT_TRY(Voice::open(runtime, options.voice));
    return {};
  }
  Status answer(Turn& turn, const AskOptions& ask, const Listener& listener,
                const Stopwatch& clock);
};

Assistant::Assistant(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Assistant::~Assistant() = default;

Result<std::unique_ptr<Assistant>> Assistant::create(std::shared_ptr<Runtime> runtime,
                                                     const AssistantOptions& options) {
  auto impl = std::make_unique<Impl>();
  impl->runtime = std::move(runtime);
  impl->options = options;
  return std::unique_ptr<Assistant>(new Assistant(std::move(impl)));
}

Status Assistant::load() {
  TENWATT_TRY(impl_->load_recognizer());
  TENWATT_TRY(impl_->load_chat());
  return impl_->load_voice();
}

Status Assistant::reset() { return impl_->chat ? impl_->chat->reset() : Status(); }

Result<int64_t> Assistant::sample_rate() {
  TENWATT_TRY(impl_->load_voice());
  return impl_->voice->sample_rate();
}

Result<std::vector<Placement>> Assistant::placement() {
  TENWATT_TRY(load());
  std::vector<Placement> all = impl_->recognizer->placement();
  all.push_back(impl_->model->placement());
  for (Placement& part : impl_->voice->placement()) all.push_back(std::move(part));
  return all;
}

Status Assistant::Impl::answer(Turn& turn, const AskOptions& ask, const Listener& listener,
                               const Stopwatch& clock) {
  TurnAccount& account = turn.account;
  const Stopwatch loading;
  TENWATT_TRY(load_chat());
  if (ask.speak) TENWATT_TRY(load_voice());
  account.load_seconds += loading.seconds();

  std::optional<speaking::SpeechStream> speech;
  int64_t samples = 0;
  Status spoken;
  const speaking::Synthesizer::Sink sink = [&](std::span<const float> piece) -> Status {
    if (samples == 0 && !piece.empty()) account.first_audio_seconds = clock.seconds();
    samples += static_cast<int64_t>(piece.size());
    return listener.on_samples ? listener.on_samples(piece) : Status();
  };
  if (ask.speak) {
    speaking::Synthesizer& synthesizer = *voice->impl().synthesizer;
    speech.emplace(synthesizer, runtime->impl().phonemizer,
                   TENWATT_TRY(to_speech(synthesizer.voice(), ask.say)), sink);
  }
  const Stopwatch thinking;
  const Generation generation =
      TENWATT_TRY(chat->send(turn.question, ask.generate, [&](std::string_view piece) {
        if (account.first_token_seconds == 0) account.first_token_seconds = thinking.seconds();
        const bool go_on = !listener.on_text || listener.on_text(piece);
        if (speech && spoken) {
          const Stopwatch speaking;
          spoken = speech->push(piece);
          account.speak_seconds += speaking.seconds();
        }
        return go_on && spoken.has_value();
      }));
  account.generate_seconds = thinking.seconds() - account.speak_seconds;
  TENWATT_TRY(Status(spoken));
  turn.answer = generation.text;
  account.prompt_tokens = generation.stats.prompt_tokens;
  account.generated_tokens = generation.stats.generated_tokens;
  if (speech) {
    const Stopwatch speaking;
    TENWATT_TRY(speech->finish());
    account.speak_seconds += speaking.seconds();
    turn.spoken = speech->spoken();
    account.audio_out_seconds =
        static_cast<double>(samples) / static_cast<double>(voice->sample_rate());
  }
  account.total_seconds = clock.seconds();
  return {};
}

Result<Turn> Assistant::ask(std::string_view text, const AskOptions& options,
                            const Listener& listener) {
  const Stopwatch clock;
  Turn turn;
  turn.question = text;
  TENWATT_TRY(impl_->answer(turn, options, listener, clock));
  return turn;
}

Result<Turn> Assistant::ask(std::span<const float> speech, const AskOptions& options,
                            const Listener& listener) {
  const Stopwatch clock;
  Turn turn;
  turn.account.audio_in_seconds = static_cast<double>(speech.size()) / 16000.0;
  TENWATT_TRY(impl_->load_recognizer());
  turn.account.load_seconds = clock.seconds();
  const Transcript transcript =
      TENWATT_TRY(impl_->recognizer->transcribe(speech, options.transcribe));
  turn.account.transcribe_seconds = transcript.wall_seconds;
  turn.question = transcript.text;
  if (listener.on_question) listener.on_question(turn.question);
  if (turn.question.empty()) {
    return fail(ErrorCode::kInvalidArgument, "no speech was heard in the question",
                "check the recording, or ask in writing: tenwatt ask \"...\"");
  }
  TENWATT_TRY(impl_->answer(turn, options, listener, clock));
  return turn;
}

}  // namespace tenwatt
