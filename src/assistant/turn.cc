#include "assistant/turn.h"

#include <optional>

namespace tenwatt::assistant {
namespace {

/// The voice's side of a turn: speaks pieces of text, and counts what leaves and when.
class Speaking {
 public:
  Speaking(const TurnParts& parts, const TurnOptions& options, const TurnListener& listener,
           const Stopwatch& clock, Account& account)
      : listener_(listener), clock_(clock), account_(account) {
    if (parts.synthesizer == nullptr) return;
    rate_ = parts.synthesizer->sample_rate();
    stream_.emplace(*parts.synthesizer, parts.phonemizer, options.speech,
                    [this](std::span<const float> samples) { return pass_on(samples); });
  }

  Status push(std::string_view text) {
    return timed([&] { return stream_->push(text); });
  }
  Status finish() {
    return timed([&] { return stream_->finish(); });
  }
  std::string spoken() const { return stream_ ? stream_->spoken() : std::string(); }

 private:
  template <class Work>
  Status timed(const Work& work) {
    if (!stream_) return {};
    const Stopwatch watch;
    const Status status = work();
    account_.speak_seconds += watch.seconds();
    return status;
  }

  Status pass_on(std::span<const float> samples) {
    if (account_.audio_out_seconds == 0 && !samples.empty()) {
      account_.first_audio_seconds = clock_.seconds();
    }
    account_.audio_out_seconds += static_cast<double>(samples.size()) / static_cast<double>(rate_);
    return listener_.on_samples ? listener_.on_samples(samples) : Status();
  }

  const TurnListener& listener_;
  const Stopwatch& clock_;
  Account& account_;
  int64_t rate_ = 1;
  std::optional<speaking::SpeechStream> stream_;
};

}  // namespace

Result<Reply> answer(std::string_view question, const TurnParts& parts, const TurnOptions& options,
                     const TurnListener& listener, const Stopwatch& clock) {
  Reply reply;
  Account& account = reply.account;
  Speaking speaking(parts, options, listener, clock, account);
  const Stopwatch thinking;
  Status spoken;
  const auto on_text = [&](std::string_view piece) {
    if (account.first_token_seconds == 0) account.first_token_seconds = thinking.seconds();
    const auto wish = listener.on_text ? listener.on_text(piece) : decoding::Continue::kYes;
    spoken = speaking.push(piece);
    return spoken ? wish : decoding::Continue::kNo;
  };
  const thinking::Answer written =
      TENWATT_TRY(parts.conversation.send(question, options.generate, on_text));
  account.generate_seconds = thinking.seconds() - account.speak_seconds;
  TENWATT_TRY(Status(spoken));
  // What is left is not spoken after a cancel, so that the sound stops with the text.
  reply.stop = written.generated.reason;
  if (reply.stop != decoding::StopReason::kCancelled) TENWATT_TRY(speaking.finish());
  account.prompt_tokens = written.prompt_tokens;
  account.generated_tokens = static_cast<int64_t>(written.generated.tokens.size());
  reply.text = written.text;
  reply.spoken = speaking.spoken();
  return reply;
}

}  // namespace tenwatt::assistant
