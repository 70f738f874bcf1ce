// Sound as the speech models take it: one channel of f32 at 16 kHz.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "audio/reader.h"
#include "base/result.h"

namespace tenwatt::audio {

inline constexpr int kSpeechRate = 16000;

/// A file ("-": standard input) as 16 kHz mono: the mean of its channels, resampled. Decoded in
/// pieces, so only the result is held in memory. Not-a-number samples are refused.
Result<std::vector<float>> load_speech(const std::string& path, const ReadLimits& limits = {});

/// The same of a file in memory.
Result<std::vector<float>> load_speech_memory(std::vector<std::byte> bytes, std::string name,
                                              const ReadLimits& limits = {});

}  // namespace tenwatt::audio
