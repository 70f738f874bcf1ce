#include "speaking/speech.h"

#include "text/normaliser.h"
#include "text/phonemes.h"

namespace tenwatt::speaking {

SpeechStream::SpeechStream(const Synthesizer& synthesizer, text::PhonemizerProcess& phonemizer,
                           SpeechOptions options, Synthesizer::Sink sink, Delivery delivery)
    : synthesizer_(synthesizer),
      phonemizer_(phonemizer),
      options_(options),
      sink_(std::move(sink)),
      delivery_(delivery) {}

Status SpeechStream::push(std::string_view text) {
  return speak_pieces(splitter_.push(filter_.push(text)));
}

Status SpeechStream::finish() {
  TENWATT_TRY(speak_pieces(splitter_.push(filter_.finish())));
  return speak_pieces(splitter_.finish());
}

Status SpeechStream::speak_pieces(const std::vector<text::SpokenPiece>& pieces) {
  for (const text::SpokenPiece& piece : pieces) TENWATT_TRY(speak_piece(piece.text));
  return {};
}

Status SpeechStream::speak_piece(const std::string& piece) {
  if (piece.find_first_not_of(" \t\r\n") == std::string::npos) return {};
  const files::PiperVoice& voice = synthesizer_.voice();
  const bool english = voice.espeak_voice.starts_with("en");
  const std::string said = english ? text::normalise_english(piece) : piece;
  spoken_ += said;
  std::vector<text::Phonemes> sentences;
  if (voice.phoneme_type == files::PhonemeType::kEspeak) {
    sentences = TENWATT_TRY(phonemizer_.phonemize(voice.espeak_voice, said));
  } else {
    sentences.push_back(text::phonemes_of(said));
  }
  for (const text::Phonemes& phonemes : sentences) {
    if (phonemes.empty()) continue;
    const text::PhonemeIds ids = TENWATT_TRY(text::phoneme_ids(phonemes, voice.phoneme_id_map));
    for (const auto& [phoneme, count] : ids.missing) missing_[phoneme] += count;
    ++sentences_;
    TENWATT_TRY(synthesizer_.speak(ids.ids, options_, sink_, delivery_));
    // A second sentence with the same noise would sound like the first one's twin.
    ++options_.seed;
  }
  return {};
}

}  // namespace tenwatt::speaking
