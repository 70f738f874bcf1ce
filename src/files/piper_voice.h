// The JSON beside a Piper voice (`<voice>.onnx.json`): how text becomes phoneme ids, and what the
// voice sounds like.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tenwatt::files {

/// How a voice's text becomes phonemes: by espeak-ng, or character by character.
enum class PhonemeType : uint8_t { kEspeak, kText };

struct PiperVoice {
  int64_t sample_rate = 22050;  ///< Hz
  std::string quality;          ///< "medium"; may be empty
  std::string language;         ///< "en_US"; may be empty
  std::string espeak_voice;     ///< "en-us"; empty for kText
  PhonemeType phoneme_type = PhonemeType::kEspeak;
  /// Phoneme (one or more code points, UTF-8) to the ids that stand for it.
  std::map<std::string, std::vector<int64_t>, std::less<>> phoneme_id_map;
  /// Phonemes that are replaced by others before the lookup.
  std::map<std::string, std::vector<std::string>, std::less<>> phoneme_map;
  int64_t num_symbols = 256;  ///< every id is below
  int64_t num_speakers = 1;
  std::map<std::string, int64_t, std::less<>> speaker_id_map;
  int64_t default_speaker_id = 0;
  float noise_scale = 0.667f;
  float length_scale = 1;
  float noise_w = 0.8f;
  int64_t hop_length = 256;  ///< samples per frame
};

/// kCorrupt naming the wrong key; kUnsupported for phoneme types that need another dictionary.
Result<PiperVoice> read_piper_voice(const std::string& path);

}  // namespace tenwatt::files
