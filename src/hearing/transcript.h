// What was heard: timed segments with the figures by which they were judged.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "text/tokenizer_spec.h"

namespace tenwatt::hearing {

struct Segment {
  int64_t id = 0;    ///< counted from 0
  int64_t seek = 0;  ///< mel frame (0.01 s) where its window began
  double start = 0;  ///< seconds
  double end = 0;
  std::string text;                   ///< as decoded, usually with a leading space
  std::vector<text::TokenId> tokens;  ///< timestamps included
  double temperature = 0;
  double avg_logprob = 0;
  double compression_ratio = 0;  ///< of its window's text
  double no_speech_prob = 0;
};

struct Transcript {
  std::string language;  ///< code
  double language_probability = 1;
  double duration = 0;  ///< seconds of sound
  std::vector<Segment> segments;
  // Wall-clock seconds of the stages.
  double mel_seconds = 0;
  double encode_seconds = 0;
  double decode_seconds = 0;

  /// The segments' texts joined, without blanks at the ends.
  std::string text() const;
};

/// Bytes of `text` over the bytes that zlib needs for it: high for text that repeats itself. 0 for
/// an empty text.
double compression_ratio(const std::string& text);

/// `text` without white space (ASCII) at its ends.
std::string trimmed(const std::string& text);

}  // namespace tenwatt::hearing
