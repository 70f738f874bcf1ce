// Measurements of whole stages on this machine, as `tenwatt bench` prints them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "tenwatt/runtime.h"

namespace tenwatt {

/// Speed of a language model.
struct LanguageBench {
  std::string model;
  int threads = 0;
  int64_t prompt_tokens = 0;
  int64_t generated = 0;
  double prefill_tokens_per_second = 0;  ///< medians over the repeats
  double decode_tokens_per_second = 0;
  double first_token_ms = 0;
  size_t bytes_per_token = 0;  ///< of the file
  double bandwidth_gb_s = 0;   ///< bytes per token times decode speed
  double roof_gb_s = 0;        ///< read bandwidth probed between the repeats
  double roofline_fraction = 0;
  double peak_rss_mb = 0;
  double load_ms = 0;
};

/// Reads a prompt of `prompt_tokens` and, from an empty context again, decodes `generate` tokens,
/// `repeat` times. kUsage for numbers that make no sense or don't fit the model's context.
Result<LanguageBench> bench_language(const std::shared_ptr<Runtime>& runtime,
                                     const std::string& model, int64_t prompt_tokens,
                                     int64_t generate, int repeat,
                                     const CancelFlag* cancel = nullptr);

/// Read bandwidth of the runtime's threads over 2 MB pages, GB/s: the best of a few passes over
/// memory larger than the caches.
Result<double> measure_read_bandwidth(const std::shared_ptr<Runtime>& runtime);

/// Highest resident set of this process so far, in MB.
double peak_rss_mb();

}  // namespace tenwatt
