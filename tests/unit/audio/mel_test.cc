// The log-mel front end against values recorded from faster-whisper
// (tests/reference/record_mel.py).
#include "audio/mel.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numbers>

namespace tenwatt::audio {
namespace {

/// The signal of record_mel.py.
std::vector<float> recorded_signal(size_t samples) {
  std::vector<float> signal(samples);
  uint32_t state = 12345;
  for (size_t k = 0; k < samples; ++k) {
    state = 1664525U * state + 1013904223U;
    const double noise = state / 2147483648.0 - 1;
    const auto i = static_cast<double>(k);
    const double turn = 2 * std::numbers::pi / 16000 * i;
    signal[k] = static_cast<float>(0.4 * std::sin(440 * turn) +
                                   0.2 * std::sin((200 + 0.05 * i) * turn) + 0.05 * noise);
  }
  std::fill(signal.begin() + static_cast<int64_t>(samples * 2 / 5),
            signal.begin() + static_cast<int64_t>(samples * 3 / 5), 0.0F);
  return signal;
}

nlohmann::json recorded() {
  std::ifstream file(TENWATT_SOURCE_DIR "/tests/reference/data/log_mel.json");
  return nlohmann::json::parse(file);
}

TEST(LogMel, EveryRecordedColumnFor80And128Bands) {
  const nlohmann::json reference = recorded();
  const std::vector<float> signal = recorded_signal(reference["samples"]);
  const std::vector<int64_t> frames = reference["columns_are_frames"];
  for (const auto& spectrogram : reference["spectrograms"]) {
    const int mels = spectrogram["mels"];
    const MelSpectrogram mel = log_mel(signal, mels).value();
    ASSERT_EQ(mel.frames, spectrogram["frames"].get<int64_t>());
    for (size_t column = 0; column < frames.size(); ++column) {
      for (int64_t m = 0; m < mels; ++m) {
        EXPECT_NEAR(mel.values[static_cast<size_t>(m * mel.frames + frames[column])],
                    spectrogram["columns"][column][static_cast<size_t>(m)].get<double>(), 1e-4)
            << mels << " bands, band " << m << ", frame " << frames[column];
      }
    }
  }
}

TEST(LogMel, FiltersHaveTheRecordedArea) {
  const nlohmann::json reference = recorded();
  for (const auto& spectrogram : reference["spectrograms"]) {
    const int mels = spectrogram["mels"];
    const std::vector<double> filters = slaney_filters(mels);
    for (size_t m = 0; m < static_cast<size_t>(mels); ++m) {
      double sum = 0;
      for (size_t k = 0; k < 201; ++k) sum += filters[m * 201 + k];
      EXPECT_NEAR(sum, spectrogram["filter_sums"][m].get<double>(), 1e-7);
    }
  }
}

TEST(LogMel, WindowIsZeroPaddedPastTheEnd) {
  const MelSpectrogram mel = {2, 3, {1, 2, 3, 4, 5, 6}};
  EXPECT_EQ(mel.window(1, 4), (std::vector<float>{2, 3, 0, 0, 5, 6, 0, 0}));
  EXPECT_EQ(mel.window(7, 1), (std::vector<float>{0, 0}));
}

TEST(LogMel, SoundShorterThanAHopHasNoFrames) {
  for (size_t samples : {size_t{0}, size_t{1}, size_t{159}}) {
    const MelSpectrogram mel = log_mel(std::vector<float>(samples, 0.5F), 80).value();
    EXPECT_EQ(mel.frames, 0);
  }
  EXPECT_EQ(log_mel(std::vector<float>(160, 0.5F), 80).value().frames, 1);
}

TEST(LogMel, RefusesOtherBandCounts) {
  EXPECT_EQ(log_mel(std::vector<float>(1600), 64).error().code, ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace tenwatt::audio
