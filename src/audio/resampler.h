// Changes the sample rate of one channel, whole or in pieces (soxr).
//
// The filter is linear-phase and soxr removes its delay, so output sample i lies at time i / to.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"

namespace tenwatt::audio {

class Resampler {
 public:
  /// A high-quality resampler (20-bit precision: rejection beyond 120 dB, pass band to 91 %) from
  /// one rate to another, both positive. Equal rates copy.
  static Result<Resampler> create(int from_rate, int to_rate);

  /// Consumes `input` and appends what can be computed so far to `output`.
  Status push(std::span<const float> input, std::vector<float>& output);
  /// Appends the rest. The resampler is spent afterwards.
  Status finish(std::vector<float>& output);

 private:
  struct Free {
    void operator()(void* handle) const;
  };
  Resampler(std::unique_ptr<void, Free> handle, double ratio);
  std::unique_ptr<void, Free> handle_;  // null: the rates are equal
  double ratio_ = 1;
};

/// All of `input` at another rate.
Result<std::vector<float>> resample(std::span<const float> input, int from_rate, int to_rate);

}  // namespace tenwatt::audio
