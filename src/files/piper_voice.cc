#include "files/piper_voice.h"

#include <algorithm>

#include "files/json_file.h"

namespace tenwatt::files {
namespace {

constexpr int64_t kMaxSymbols = 1 << 16;
constexpr int64_t kMaxSpeakers = 1 << 16;

Result<int64_t> bounded(const JsonView& view, std::string_view key, int64_t fallback, int64_t min,
                        int64_t max) {
  const int64_t value = TENWATT_TRY(view.integer(key, fallback));
  if (value >= min && value <= max) return value;
  return fail(ErrorCode::kCorrupt, std::string(key) + " is " + std::to_string(value) +
                                       ", outside " + std::to_string(min) + " to " +
                                       std::to_string(max));
}

Result<float> positive(const JsonView& view, std::string_view key, double fallback) {
  const double value = TENWATT_TRY(view.real(key, fallback));
  if (value >= 0 && value <= 100) return static_cast<float>(value);
  return fail(ErrorCode::kCorrupt, std::string(key) + " is not between 0 and 100");
}

Status read_phonemes(const JsonView& root, PiperVoice& voice) {
  const JsonView map = TENWATT_TRY(root.object("phoneme_id_map"));
  for (const auto& [phoneme, value] : TENWATT_TRY(map.members())) {
    const std::vector<int64_t> ids = TENWATT_TRY(value.as_integers());
    for (const int64_t id : ids) {
      if (id >= 0 && id < voice.num_symbols) continue;
      return fail(ErrorCode::kCorrupt, "phoneme_id_map has the id " + std::to_string(id) + " of " +
                                           std::to_string(voice.num_symbols));
    }
    voice.phoneme_id_map.emplace(phoneme, ids);
  }
  if (voice.phoneme_id_map.empty()) {
    return fail(ErrorCode::kCorrupt, "phoneme_id_map is missing or empty");
  }
  const JsonView replaced = TENWATT_TRY(root.object("phoneme_map"));
  for (const auto& [phoneme, value] : TENWATT_TRY(replaced.members())) {
    voice.phoneme_map.emplace(phoneme, TENWATT_TRY(value.as_texts()));
  }
  return {};
}

Status read_speakers(const JsonView& root, PiperVoice& voice) {
  voice.num_speakers = TENWATT_TRY(bounded(root, "num_speakers", 1, 0, kMaxSpeakers));
  const int64_t last = std::max<int64_t>(voice.num_speakers - 1, 0);
  voice.default_speaker_id = TENWATT_TRY(bounded(root, "default_speaker_id", 0, 0, last));
  const JsonView map = TENWATT_TRY(root.object("speaker_id_map"));
  for (const auto& [name, value] : TENWATT_TRY(map.members())) {
    const int64_t id = TENWATT_TRY(value.as_integer());
    if (id < 0 || id > last) {
      return fail(ErrorCode::kCorrupt, "speaker_id_map has no speaker " + std::to_string(id));
    }
    voice.speaker_id_map.emplace(name, id);
  }
  return {};
}

Result<PhonemeType> phoneme_type(const JsonView& root) {
  const std::string type = TENWATT_TRY(root.text("phoneme_type", "espeak"));
  if (type == "espeak") return PhonemeType::kEspeak;
  if (type == "text") return PhonemeType::kText;
  return fail(ErrorCode::kUnsupported, "phonemes of the type \"" + type + "\"",
              "choose a voice that uses espeak phonemes");
}

Result<PiperVoice> parse(const JsonView& root) {
  PiperVoice voice;
  const JsonView audio = TENWATT_TRY(root.object("audio"));
  voice.sample_rate = TENWATT_TRY(bounded(audio, "sample_rate", 22050, 8000, 96000));
  voice.quality = TENWATT_TRY(audio.text("quality", ""));
  const JsonView language = TENWATT_TRY(root.object("language"));
  voice.language = TENWATT_TRY(language.text("code", ""));
  const JsonView espeak = TENWATT_TRY(root.object("espeak"));
  voice.espeak_voice = TENWATT_TRY(espeak.text("voice", ""));
  voice.phoneme_type = TENWATT_TRY(phoneme_type(root));
  if (voice.phoneme_type == PhonemeType::kEspeak && voice.espeak_voice.empty()) {
    return fail(ErrorCode::kCorrupt, "espeak.voice is missing");
  }
  voice.num_symbols = TENWATT_TRY(bounded(root, "num_symbols", 256, 1, kMaxSymbols));
  TENWATT_TRY(read_phonemes(root, voice));
  TENWATT_TRY(read_speakers(root, voice));
  const JsonView inference = TENWATT_TRY(root.object("inference"));
  voice.noise_scale = TENWATT_TRY(positive(inference, "noise_scale", voice.noise_scale));
  voice.length_scale = TENWATT_TRY(positive(inference, "length_scale", voice.length_scale));
  voice.noise_w = TENWATT_TRY(positive(inference, "noise_w", voice.noise_w));
  voice.hop_length = TENWATT_TRY(bounded(root, "hop_length", 256, 1, 1 << 16));
  return voice;
}

}  // namespace

Result<PiperVoice> read_piper_voice(const std::string& path) {
  const nlohmann::json json = TENWATT_TRY(read_json(path));
  Result<PiperVoice> voice = parse(JsonView(json, "it"));
  if (!voice) return fail_in(path, std::move(voice).error());
  return voice;
}

}  // namespace tenwatt::files
