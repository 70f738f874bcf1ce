#include "audio/speech.h"

#include <fmt/format.h>

#include <cmath>
#include <span>

#include "audio/resampler.h"

namespace tenwatt::audio {
namespace {

constexpr int64_t kFramesPerPiece = 16384;

/// The mean over the channels of each frame; `mono` has one sample per frame.
void mix_down(std::span<const float> frames, int channels, std::span<float> mono) {
  const float weight = 1.0F / static_cast<float>(channels);
  for (size_t i = 0; i < mono.size(); ++i) {
    float sum = 0;
    for (int c = 0; c < channels; ++c)
      sum += frames[i * static_cast<size_t>(channels) + static_cast<size_t>(c)];
    mono[i] = channels == 1 ? sum : sum * weight;
  }
}

bool all_finite(std::span<const float> samples) {
  for (float sample : samples) {
    if (!std::isfinite(sample)) return false;
  }
  return true;
}

Result<std::vector<float>> read_speech(AudioReader reader, const std::string& name) {
  Resampler resampler = TENWATT_TRY(Resampler::create(reader.rate(), kSpeechRate));
  std::vector<float> frames(static_cast<size_t>(kFramesPerPiece * reader.channels()));
  std::vector<float> mono(static_cast<size_t>(kFramesPerPiece));
  std::vector<float> speech;
  for (;;) {
    const int64_t got = TENWATT_TRY(reader.read(frames));
    if (got == 0) break;
    const std::span<float> piece(mono.data(), static_cast<size_t>(got));
    mix_down(frames, reader.channels(), piece);
    if (!all_finite(piece)) {
      return fail(ErrorCode::kCorrupt, fmt::format("{}: holds samples that are not numbers", name));
    }
    TENWATT_TRY(resampler.push(piece, speech));
  }
  TENWATT_TRY(resampler.finish(speech));
  return speech;
}

}  // namespace

Result<std::vector<float>> load_speech(const std::string& path, const ReadLimits& limits) {
  return read_speech(TENWATT_TRY(AudioReader::open(path, limits)), path);
}

Result<std::vector<float>> load_speech_memory(std::vector<std::byte> bytes, std::string name,
                                              const ReadLimits& limits) {
  return read_speech(TENWATT_TRY(AudioReader::open_memory(std::move(bytes), name, limits)), name);
}

}  // namespace tenwatt::audio
