// Text to sound as it arrives: filter what can't be spoken, split into clauses and sentences, spell
// out what is written short, phonemes, ids, voice. Each piece is spoken as soon as it is complete.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "speaking/synthesizer.h"
#include "text/phonemizer_process.h"
#include "text/sentence_splitter.h"
#include "text/spoken_filter.h"

namespace tenwatt::speaking {

/// One utterance. Not thread-safe.
class SpeechStream {
 public:
  /// All references must outlive the stream.
  SpeechStream(const Synthesizer& synthesizer, text::PhonemizerProcess& phonemizer,
               SpeechOptions options, Synthesizer::Sink sink,
               Delivery delivery = Delivery::kStreamed);

  /// Takes more text and speaks the pieces that it completes.
  Status push(std::string_view text);
  /// Speaks the rest.
  Status finish();

  /// What was given to the voice so far, after filter and normaliser.
  const std::string& spoken() const { return spoken_; }
  int64_t sentences() const { return sentences_; }
  /// Phonemes that the voice lacks, and how often they were left out.
  const std::map<std::string, int>& missing() const { return missing_; }

 private:
  Status speak_pieces(const std::vector<text::SpokenPiece>& pieces);
  Status speak_piece(const std::string& piece);

  const Synthesizer& synthesizer_;
  text::PhonemizerProcess& phonemizer_;
  SpeechOptions options_;
  Synthesizer::Sink sink_;
  Delivery delivery_;
  text::SpokenFilter filter_;
  text::SentenceSplitter splitter_;
  std::string spoken_;
  int64_t sentences_ = 0;
  std::map<std::string, int> missing_;
};

}  // namespace tenwatt::speaking
