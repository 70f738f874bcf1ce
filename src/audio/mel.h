// Whisper's front end: the log-mel spectrogram of 16 kHz sound.
//
// As in OpenAI's whisper/audio.py: Hann windows of 400 samples every 160, squared magnitudes,
// Slaney mel filters, log10, floor at 8 below the maximum of the whole recording, (x + 4) / 4.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"

namespace tenwatt::audio {

inline constexpr int kMelFrameSamples = 400;
inline constexpr int kMelHopSamples = 160;
inline constexpr int kMelFramesPerSecond = 100;

/// values[mel * frames + frame].
struct MelSpectrogram {
  int mels = 0;
  int64_t frames = 0;
  std::vector<float> values;

  /// Frames [first, first + count) as [mels, count], zeros past the end: Whisper pads after
  /// normalisation.
  std::vector<float> window(int64_t first, int64_t count) const;
};

/// Triangular filters of unit area on the Slaney mel scale from 0 to 8000 Hz, over the bins of a
/// 400-point transform at 16 kHz: [mels, 201]. (M. Slaney, Auditory Toolbox, 1998.)
std::vector<double> slaney_filters(int mels);

/// The spectrogram of a whole recording (`mels` is 80 or 128): one frame per 160 samples, the rest
/// of a hop dropped. The ends are continued by 160 zeros on the right and then by reflection.
Result<MelSpectrogram> log_mel(std::span<const float> speech, int mels);

}  // namespace tenwatt::audio
