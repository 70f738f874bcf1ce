#include "tenwatt/assistant.h"

#include <optional>

#include "api/model_impl.h"
#include "api/voice_impl.h"
#include "assistant/turn.h"

namespace tenwatt {

struct Assistant::Impl {
  std::shared_ptr<Runtime> runtime;
  AssistantOptions options;
  std::shared_ptr<Recognizer> recognizer;
  std::shared_ptr<Model> model;
  std::optional<thinking::Conversation> conversation;
  std::shared_ptr<Voice> voice;

  Status load_recognizer() {
    if (!recognizer) recognizer = TENWATT_TRY(Recognizer::open(runtime, options.recognizer));
    return {};
  }
  Status load_chat() {
    if (!model) model = TENWATT_TRY(Model::open(runtime, options.model));
    if (conversation) return {};
    conversation.emplace(
        TENWATT_TRY(thinking::Conversation::open(model->impl().engine, options.system)));
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

Status Assistant::reset() { return impl_->conversation ? impl_->conversation->reset() : Status(); }

std::vector<ChatMessage> Assistant::history() const {
  std::vector<ChatMessage> messages;
  if (!impl_->conversation) return messages;
  for (const text::ChatMessage& message : impl_->conversation->history()) {
    messages.push_back({message.role, message.content});
  }
  return messages;
}

Result<int64_t> Assistant::sample_rate() {
  TENWATT_TRY(impl_->load_voice());
  return impl_->voice->sample_rate();
}

std::vector<Placement> Assistant::placement() const {
  std::vector<Placement> all;
  if (impl_->recognizer) all = impl_->recognizer->placement();
  if (impl_->model) all.push_back(impl_->model->placement());
  if (!impl_->voice) return all;
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

  assistant::TurnOptions options;
  options.generate = to_decoding(ask.generate);
  const speaking::Synthesizer* synthesizer = nullptr;
  if (ask.speak) {
    synthesizer = voice->impl().synthesizer.get();
    options.speech = TENWATT_TRY(to_speech(synthesizer->voice(), ask.say));
  }
  assistant::TurnListener inner;
  inner.on_samples = listener.on_samples;
  inner.on_text = [&](std::string_view piece) {
    const bool go_on = !listener.on_text || listener.on_text(piece);
    return go_on ? decoding::Continue::kYes : decoding::Continue::kNo;
  };
  const assistant::Reply reply = TENWATT_TRY(
      assistant::answer(turn.question, {*conversation, synthesizer, runtime->impl().phonemizer},
                        options, inner, clock));
  turn.answer = reply.text;
  turn.spoken = reply.spoken;
  turn.stop = stop_name(reply.stop);
  account.first_token_seconds = reply.account.first_token_seconds;
  account.generate_seconds = reply.account.generate_seconds;
  account.first_audio_seconds = reply.account.first_audio_seconds;
  account.speak_seconds = reply.account.speak_seconds;
  account.audio_out_seconds = reply.account.audio_out_seconds;
  account.prompt_tokens = reply.account.prompt_tokens;
  account.generated_tokens = reply.account.generated_tokens;
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
  if (turn.question.empty()) {
    return fail(ErrorCode::kInvalidArgument, "no speech was heard in the question",
                "check the recording, or ask in writing: tenwatt ask \"...\"");
  }
  if (!options.text_before.empty()) turn.question = options.text_before + "\n" + turn.question;
  if (listener.on_question) listener.on_question(turn.question);
  TENWATT_TRY(impl_->answer(turn, options, listener, clock));
  return turn;
}

}  // namespace tenwatt
