// From a window's tokens to timed segments, and to where the next window begins.
//
// Whisper reads 30 s at a time and says with timestamps what it understood completely; the next
// window starts where that ends (OpenAI's transcribe.py).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "text/whisper_tokens.h"

namespace tenwatt::hearing {

inline constexpr int64_t kWindowFrames = 3000;     ///< mel frames of a window of 30 s
inline constexpr double kSecondsPerFrame = 0.01;   ///< of a mel frame
inline constexpr int64_t kFramesPerTimestamp = 2;  ///< a timestamp is 0.02 s
inline constexpr double kSecondsPerTimestamp = 0.02;

/// Tokens of one segment, timestamps included, and its times in the recording.
struct TimedTokens {
  double start = 0;  ///< seconds
  double end = 0;
  std::vector<text::TokenId> tokens;
};

struct WindowCut {
  std::vector<TimedTokens> segments;
  int64_t next_seek = 0;  ///< mel frame where the next window begins; always behind `seek`
};

/// Cuts what was decoded from the window that starts at mel frame `seek` and holds `frames` frames
/// of sound (up to kWindowFrames). Segments without text are kept; the caller drops them.
WindowCut cut_window(std::span<const text::TokenId> decoded, const text::WhisperTokens& tokens,
                     int64_t seek, int64_t frames);

}  // namespace tenwatt::hearing
