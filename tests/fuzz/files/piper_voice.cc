#include "files/piper_voice.h"

#include "fuzz/parser.h"

namespace tenwatt::fuzz {
namespace {

std::string example() {
  return R"({"audio": {"sample_rate": 16000, "quality": "low"},
  "espeak": {"voice": "de"}, "language": {"code": "de_DE"},
  "inference": {"noise_scale": 0.5, "length_scale": 1, "noise_w": 0},
  "phoneme_type": "espeak", "phoneme_map": {"c": ["k"]},
  "phoneme_id_map": {"_": [0], "^": [1], "$": [2], "ts": [3, 4]},
  "num_symbols": 130, "num_speakers": 2, "speaker_id_map": {"anna": 0, "bob": 1}})";
}

bool accepts(std::string_view bytes) {
  const MemoryFile memory(bytes);
  return files::read_piper_voice(memory.path()).has_value();
}

const Registered kVoice{{"piper_voice", Cuts::kAreErrors, example, accepts}};

}  // namespace
}  // namespace tenwatt::fuzz
