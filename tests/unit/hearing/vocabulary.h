// A small made-up vocabulary for rules that need no real words, and real ones from models.
#pragma once

#include "hearing/whisper_vocabulary.h"
#include "models/whisper_source.h"

namespace tenwatt::hearing {

/// The vocabulary of the model in a folder.
inline WhisperVocabulary vocabulary_of(const std::string& folder) {
  const auto source = models::open_whisper_source(folder).value();
  return WhisperVocabulary::of(source->vocabulary().value()).value();
}

/// Text tokens 0..9, then the tokens that steer, then 101 timestamps (0.00 to 2.00 s).
inline WhisperVocabulary small_vocabulary() {
  WhisperVocabulary vocabulary;
  text::WhisperTokens& t = vocabulary.tokens;
  t.end_of_text = 10;
  t.start_of_transcript = 11;
  t.first_language = 12;
  t.language_count = 2;
  t.translate = 14;
  t.transcribe = 15;
  t.start_of_lm = 16;
  t.start_of_previous = 17;
  t.no_speech = 18;
  t.no_timestamps = 19;
  t.first_timestamp = 20;
  t.last_timestamp = 120;
  t.vocabulary_size = 121;
  t.multilingual = true;
  vocabulary.suppressed = {7, 11, 14, 15, 16, 17, 18};
  vocabulary.suppressed_first = {3, 10};
  return vocabulary;
}

}  // namespace tenwatt::hearing
