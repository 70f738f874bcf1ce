#include "hearing/transcriber.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "audio/speech.h"
#include "base/clock.h"
#include "hearing/segmenter.h"

namespace tenwatt::hearing {
namespace {

using text::TokenId;

/// Text before the window that fits beside a full answer.
constexpr int64_t kMostContext = kTextPositions / 2 - 1;

/// Adds the time of its life to a sum of seconds.
class AddSeconds {
 public:
  explicit AddSeconds(double& sum) : sum_(sum) {}
  ~AddSeconds() { sum_ += watch_.seconds(); }
  AddSeconds(const AddSeconds&) = delete;
  AddSeconds& operator=(const AddSeconds&) = delete;

 private:
  double& sum_;
  Stopwatch watch_;
};

/// A window's answer and how it was judged.
struct Attempt {
  Decoded decoded;
  float temperature = 0;
  double compression_ratio = 0;
};

/// One recording on its way through the windows.
class Transcription {
 public:
  Transcription(SpeechModel& model, const WhisperVocabulary& vocabulary,
                const TranscribeOptions& options)
      : model_(model),
        vocabulary_(vocabulary),
        tokens_(vocabulary.tokens),
        options_(options),
        random_(options.seed) {}

  Result<Transcript> run(std::span<const float> speech);

 private:
  Status choose_language(TokenModel& sequence);
  Status hear_window(const audio::MelSpectrogram& mel, int64_t seek);
  std::vector<TokenId> prompt() const;
  Result<Attempt> decode(TokenModel& sequence, std::span<const TokenId> prompt);
  bool fails(const Attempt& attempt) const;
  bool repeats(const Attempt& attempt) const;
  bool is_silence(const Attempt& attempt) const;
  void keep(WindowCut cut, int64_t seek, const Attempt& attempt);

  SpeechModel& model_;
  const WhisperVocabulary& vocabulary_;
  const text::WhisperTokens& tokens_;
  const TranscribeOptions& options_;
  Random random_;
  Transcript transcript_;
  std::optional<TokenId> language_;  // absent in English-only models and until it is known
  std::vector<TokenId> context_;     // tokens before the window, as the prompt may show them
  int64_t next_seek_ = 0;
};

Result<Transcript> Transcription::run(std::span<const float> speech) {
  transcript_.duration = static_cast<double>(speech.size()) / audio::kSpeechRate;
  transcript_.language = "en";
  if (!options_.prompt.empty()) {
    context_ = vocabulary_.tokenizer->encode(" " + trimmed(options_.prompt));
  }
  audio::MelSpectrogram mel;
  {
    const AddSeconds timed(transcript_.mel_seconds);
    mel = TENWATT_TRY(audio::log_mel(speech, model_.mels()));
  }
  while (next_seek_ < mel.frames) TENWATT_TRY(hear_window(mel, next_seek_));
  return std::move(transcript_);
}

Status Transcription::choose_language(TokenModel& sequence) {
  if (!tokens_.multilingual || language_) return {};
  if (options_.language == "auto") {
    const LanguageGuess guess = TENWATT_TRY(guess_language(sequence, tokens_));
    language_ = guess.token;
    transcript_.language_probability = guess.probability;
  } else {
    language_ = tokens_.language(options_.language);
  }
  if (const auto language = tokens_.language_of(*language_)) transcript_.language = language->code;
  return {};
}

Status Transcription::hear_window(const audio::MelSpectrogram& mel, int64_t seek) {
  const int64_t frames = std::min(kWindowFrames, mel.frames - seek);
  TokenModel* sequence = nullptr;
  {
    const AddSeconds timed(transcript_.encode_seconds);
    sequence = TENWATT_TRY(model_.encode(mel.window(seek, kWindowFrames)));
  }
  const AddSeconds timed(transcript_.decode_seconds);
  TENWATT_TRY(choose_language(*sequence));
  const Attempt attempt = TENWATT_TRY(decode(*sequence, prompt()));
  if (is_silence(attempt)) {
    next_seek_ = seek + frames;
    return {};
  }
  WindowCut cut = cut_window(attempt.decoded.tokens, tokens_, seek, frames);
  next_seek_ = cut.next_seek;
  keep(std::move(cut), seek, attempt);
  return {};
}

std::vector<TokenId> Transcription::prompt() const {
  std::vector<TokenId> prompt;
  if (!context_.empty()) {
    const auto shown = std::min<int64_t>(static_cast<int64_t>(context_.size()), kMostContext);
    prompt.push_back(tokens_.start_of_previous);
    prompt.insert(prompt.end(), context_.end() - shown, context_.end());
  }
  prompt.push_back(tokens_.start_of_transcript);
  if (tokens_.multilingual) {
    prompt.push_back(*language_);
    prompt.push_back(options_.task == Task::kTranslate ? tokens_.translate : tokens_.transcribe);
  }
  if (options_.timestamps == Timestamps::kOff) prompt.push_back(tokens_.no_timestamps);
  return prompt;
}

bool Transcription::repeats(const Attempt& attempt) const {
  return options_.compression_ratio_threshold &&
         attempt.compression_ratio > *options_.compression_ratio_threshold;
}

bool Transcription::fails(const Attempt& attempt) const {
  const bool doubtful =
      options_.logprob_threshold && attempt.decoded.avg_logprob() < *options_.logprob_threshold;
  const bool silent = options_.no_speech_threshold &&
                      attempt.decoded.no_speech_prob > *options_.no_speech_threshold;
  if (doubtful && silent) return false;  // it is silence, which no other temperature makes speech
  return doubtful || repeats(attempt);
}

bool Transcription::is_silence(const Attempt& attempt) const {
  if (!options_.no_speech_threshold ||
      attempt.decoded.no_speech_prob <= *options_.no_speech_threshold) {
    return false;
  }
  return !options_.logprob_threshold ||
         attempt.decoded.avg_logprob() <= *options_.logprob_threshold;
}

Result<Attempt> Transcription::decode(TokenModel& sequence, std::span<const TokenId> prompt) {
  const auto likelier = [](const Attempt& a, const Attempt& b) {
    return a.decoded.avg_logprob() < b.decoded.avg_logprob();
  };
  std::vector<Attempt> all;
  std::vector<Attempt> without_repeats;
  for (float temperature : options_.temperatures) {
    if (!all.empty()) TENWATT_TRY(sequence.rewind(0));
    DecodeOptions decode_options;
    decode_options.rules.timestamps = options_.timestamps;
    decode_options.temperature = temperature;
    decode_options.best_of = options_.best_of;
    Attempt attempt;
    attempt.decoded =
        TENWATT_TRY(decode_window(sequence, vocabulary_, prompt, decode_options, random_));
    attempt.temperature = temperature;
    attempt.compression_ratio =
        compression_ratio(trimmed(vocabulary_.text_of(attempt.decoded.tokens)));
    if (!fails(attempt)) return attempt;
    if (!repeats(attempt)) without_repeats.push_back(attempt);
    all.push_back(std::move(attempt));
  }
  // None passed: the likeliest, marked with the last temperature so that it is no context.
  const std::vector<Attempt>& eligible = without_repeats.empty() ? all : without_repeats;
  Attempt best = *std::max_element(eligible.begin(), eligible.end(), likelier);
  best.temperature = options_.temperatures.back();
  return best;
}

void Transcription::keep(WindowCut cut, int64_t seek, const Attempt& attempt) {
  for (TimedTokens& timed : cut.segments) {
    std::string text = vocabulary_.text_of(timed.tokens);
    if (timed.start == timed.end || trimmed(text).empty()) continue;
    context_.insert(context_.end(), timed.tokens.begin(), timed.tokens.end());
    Segment segment;
    segment.id = static_cast<int64_t>(transcript_.segments.size());
    segment.seek = seek;
    segment.start = timed.start;
    segment.end = timed.end;
    segment.text = std::move(text);
    segment.tokens = std::move(timed.tokens);
    segment.temperature = attempt.temperature;
    segment.avg_logprob = attempt.decoded.avg_logprob();
    segment.compression_ratio = attempt.compression_ratio;
    segment.no_speech_prob = attempt.decoded.no_speech_prob;
    transcript_.segments.push_back(std::move(segment));
    if (options_.on_segment) options_.on_segment(transcript_.segments.back());
  }
  if (options_.context == Context::kNone || attempt.temperature > options_.context_temperature) {
    context_.clear();
  }
}

}  // namespace

void TranscribeOptions::without_fallback() {
  temperatures.resize(std::min<size_t>(temperatures.size(), 1));
  compression_ratio_threshold.reset();
  logprob_threshold.reset();
  no_speech_threshold.reset();
}

Result<Transcript> Transcriber::transcribe(std::span<const float> speech,
                                           const TranscribeOptions& options) {
  if (options.temperatures.empty()) {
    return fail(ErrorCode::kInvalidArgument, "no temperature to decode at");
  }
  const text::WhisperTokens& tokens = vocabulary_.tokens;
  const bool automatic = options.language == "auto" || options.language.empty();
  if (!automatic && tokens.multilingual && !tokens.language(options.language)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}' is no language that Whisper knows", options.language),
                "give a code such as en or de, or auto");
  }
  const bool english = options.language == "en" || options.language == "English";
  if (!tokens.multilingual && !automatic && !english) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("an English-only model can't hear '{}'", options.language),
                "use a multilingual model such as whisper-base");
  }
  if (!tokens.multilingual && options.task == Task::kTranslate) {
    return fail(ErrorCode::kInvalidArgument, "an English-only model can't translate",
                "use a multilingual model such as whisper-base");
  }
  TranscribeOptions checked = options;
  if (automatic) checked.language = "auto";
  return Transcription(*model_, vocabulary_, checked).run(speech);
}

}  // namespace tenwatt::hearing
