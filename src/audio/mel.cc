#include "audio/mel.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>

#include "audio/fft.h"

namespace tenwatt::audio {
namespace {

constexpr int kBins = kMelFrameSamples / 2 + 1;
constexpr double kHighestHertz = 8000.0;
constexpr double kHertzPerBin = 2 * kHighestHertz / kMelFrameSamples;
constexpr double kLinearHertz = 1000.0;  // the scale is linear below
constexpr double kLinearMels = 15.0;     // mel(kLinearHertz)
constexpr double kHertzPerMel = kLinearHertz / kLinearMels;
const double kLogStep = std::log(6.4) / 27.0;

double mel_of(double hertz) {
  if (hertz < kLinearHertz) return hertz / kHertzPerMel;
  return kLinearMels + std::log(hertz / kLinearHertz) / kLogStep;
}

double hertz_of(double mel) {
  if (mel < kLinearMels) return mel * kHertzPerMel;
  return kLinearHertz * std::exp(kLogStep * (mel - kLinearMels));
}

/// One filter's weights without the zeros around them.
struct Filter {
  int first_bin = 0;
  std::vector<double> weights;
};

std::vector<Filter> sparse_filters(int mels) {
  const std::vector<double> dense = slaney_filters(mels);
  std::vector<Filter> filters;
  for (int m = 0; m < mels; ++m) {
    const auto row = dense.begin() + static_cast<int64_t>(m) * kBins;
    int first = 0;
    int last = kBins;
    while (first < last && row[first] == 0) ++first;
    while (last > first && row[last - 1] == 0) --last;
    filters.push_back({first, std::vector<double>(row + first, row + last)});
  }
  return filters;
}

std::vector<double> periodic_hann() {
  std::vector<double> window(kMelFrameSamples);
  for (size_t i = 0; i < window.size(); ++i) {
    window[i] =
        0.5 - 0.5 * std::cos(2 * std::numbers::pi * static_cast<double>(i) / kMelFrameSamples);
  }
  return window;
}

/// Sample `i` of `speech` continued by a hop of zeros and then by reflection on both sides.
double sample_at(std::span<const float> speech, int64_t i) {
  const auto length = static_cast<int64_t>(speech.size()) + kMelHopSamples;
  const int64_t period = 2 * (length - 1);
  int64_t folded = ((i % period) + period) % period;
  if (folded >= length) folded = period - folded;
  return folded < static_cast<int64_t>(speech.size()) ? speech[static_cast<size_t>(folded)] : 0.0;
}

/// Power spectra of windowed frames, one at a time.
class FrameSpectrum {
 public:
  explicit FrameSpectrum(std::span<const float> speech) : speech_(speech) {}

  std::span<const double> power(int64_t frame) {
    const int64_t first = frame * kMelHopSamples - kMelFrameSamples / 2;
    for (int64_t i = 0; i < kMelFrameSamples; ++i) {
      windowed_[static_cast<size_t>(i)] = hann_[static_cast<size_t>(i)] * sample(first + i);
    }
    fft_.forward(windowed_, spectrum_);
    for (size_t k = 0; k < power_.size(); ++k) power_[k] = std::norm(spectrum_[k]);
    return power_;
  }

 private:
  double sample(int64_t i) const {
    if (i >= 0 && i < static_cast<int64_t>(speech_.size())) return speech_[static_cast<size_t>(i)];
    return sample_at(speech_, i);
  }

  std::span<const float> speech_;
  RealFft fft_{kMelFrameSamples};
  std::vector<double> hann_ = periodic_hann();
  std::vector<double> windowed_ = std::vector<double>(kMelFrameSamples);
  std::vector<std::complex<double>> spectrum_ = std::vector<std::complex<double>>(kBins);
  std::vector<double> power_ = std::vector<double>(kBins);
};

double filtered(const Filter& filter, std::span<const double> power) {
  double sum = 0;
  for (size_t i = 0; i < filter.weights.size(); ++i) {
    sum += filter.weights[i] * power[static_cast<size_t>(filter.first_bin) + i];
  }
  return sum;
}

}  // namespace

std::vector<double> slaney_filters(int mels) {
  std::vector<double> corners;
  const double top = mel_of(kHighestHertz);
  for (int m = 0; m < mels + 2; ++m) corners.push_back(hertz_of(top * m / (mels + 1)));
  std::vector<double> filters(static_cast<size_t>(mels) * kBins);
  for (size_t m = 0; m < static_cast<size_t>(mels); ++m) {
    const double low = corners[m];
    const double middle = corners[m + 1];
    const double high = corners[m + 2];
    for (size_t k = 0; k < kBins; ++k) {
      const double hertz = kHertzPerBin * static_cast<double>(k);
      const double rise = (hertz - low) / (middle - low);
      const double fall = (high - hertz) / (high - middle);
      filters[m * kBins + k] = std::max(0.0, std::min(rise, fall)) * 2.0 / (high - low);
    }
  }
  return filters;
}

Result<MelSpectrogram> log_mel(std::span<const float> speech, int mels) {
  if (mels != 80 && mels != 128) {
    return fail(ErrorCode::kUnsupported, fmt::format("{} mel bands; Whisper has 80 or 128", mels));
  }
  // The frame after the last whole hop counts for the maximum, as in the original, and is dropped.
  const auto frames = static_cast<int64_t>(speech.size()) / kMelHopSamples;
  MelSpectrogram mel = {mels, frames, std::vector<float>(static_cast<size_t>(mels * frames))};
  const std::vector<Filter> filters = sparse_filters(mels);
  FrameSpectrum spectrum(speech);
  double highest = -10;
  for (int64_t t = 0; t <= frames; ++t) {
    const std::span<const double> power = spectrum.power(t);
    for (int m = 0; m < mels; ++m) {
      const double level =
          std::log10(std::max(filtered(filters[static_cast<size_t>(m)], power), 1e-10));
      highest = std::max(highest, level);
      if (t < frames) mel.values[static_cast<size_t>(m * frames + t)] = static_cast<float>(level);
    }
  }
  const auto floor = static_cast<float>(highest - 8.0);
  for (float& value : mel.values) value = (std::max(value, floor) + 4.0F) / 4.0F;
  return mel;
}

std::vector<float> MelSpectrogram::window(int64_t first, int64_t count) const {
  std::vector<float> result(static_cast<size_t>(mels * count));
  const int64_t begin = std::clamp<int64_t>(first, 0, frames);
  const int64_t end = std::clamp<int64_t>(first + count, begin, frames);
  for (int64_t m = 0; m < mels; ++m) {
    std::copy(values.begin() + m * frames + begin, values.begin() + m * frames + end,
              result.begin() + m * count);
  }
  return result;
}

}  // namespace tenwatt::audio
