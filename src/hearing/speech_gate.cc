#include "hearing/speech_gate.h"

#include <algorithm>

namespace tenwatt::hearing {
namespace {

constexpr int64_t kSamplesPerMs = 16;

/// Widens every stretch by `pad`; where a gap is too narrow for two pads, its halves are shared.
void pad_stretches(std::vector<SpeechGate::Stretch>& stretches, int64_t samples, int64_t pad) {
  if (stretches.empty()) return;
  stretches.front().first = std::max<int64_t>(stretches.front().first - pad, 0);
  for (size_t i = 0; i + 1 < stretches.size(); ++i) {
    const int64_t gap = stretches[i + 1].first - stretches[i].end;
    const int64_t share = gap < 2 * pad ? gap / 2 : pad;
    stretches[i].end += share;
    stretches[i + 1].first -= share;
  }
  stretches.back().end = std::min(stretches.back().end + pad, samples);
}

}  // namespace

std::optional<SpeechGate::Stretch> SpeechGate::push(float probability) {
  const int64_t at = now_;
  now_ += kVadHop;
  if (probability >= options_.threshold) {
    silence_from_.reset();
    if (!speaking_) first_ = at;
    speaking_ = true;
    return std::nullopt;
  }
  if (!speaking_ || probability >= options_.close_threshold) return std::nullopt;
  if (!silence_from_) silence_from_ = at;
  if (at - *silence_from_ < options_.min_silence_ms * kSamplesPerMs) return std::nullopt;
  const Stretch over = {first_, *silence_from_};
  speaking_ = false;
  silence_from_.reset();
  return over;
}

std::optional<SpeechGate::Stretch> SpeechGate::finish(int64_t samples) {
  if (!speaking_) return std::nullopt;
  speaking_ = false;
  silence_from_.reset();
  return Stretch{first_, samples};
}

std::vector<SpeechGate::Stretch> speech_stretches(std::span<const float> probabilities,
                                                  int64_t samples, const VadOptions& options) {
  SpeechGate gate(options);
  std::vector<SpeechGate::Stretch> stretches;
  const auto keep = [&](const std::optional<SpeechGate::Stretch>& stretch) {
    const int64_t least = options.min_speech_ms * kSamplesPerMs;
    if (stretch && stretch->end - stretch->first > least) stretches.push_back(*stretch);
  };
  for (float probability : probabilities) keep(gate.push(probability));
  keep(gate.finish(samples));
  pad_stretches(stretches, samples, options.pad_ms * kSamplesPerMs);
  return stretches;
}

}  // namespace tenwatt::hearing
