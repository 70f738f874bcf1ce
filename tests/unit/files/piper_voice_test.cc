// The JSON of Piper voices.
#include "files/piper_voice.h"

#include <gtest/gtest.h>

#include "unit/files/support/hostile.h"

namespace tenwatt::files {
namespace {

using testing_files::TemporaryFolder;

const std::string kVoice = R"({
  "audio": {"sample_rate": 16000, "quality": "low"},
  "espeak": {"voice": "de"}, "language": {"code": "de_DE"},
  "inference": {"noise_scale": 0.5, "length_scale": 1, "noise_w": 0},
  "phoneme_type": "espeak", "phoneme_map": {"c": ["k"]},
  "phoneme_id_map": {"_": [0], "^": [1], "$": [2], "ts": [3, 4]},
  "num_symbols": 130, "num_speakers": 2, "speaker_id_map": {"anna": 0, "bob": 1}
})";

Result<PiperVoice> read(const std::string& json) {
  const TemporaryFolder folder;
  return read_piper_voice(folder.write("voice.onnx.json", json));
}

/// kVoice with one piece of its text replaced.
std::string with(const std::string& from, const std::string& to) {
  std::string json = kVoice;
  return json.replace(json.find(from), from.size(), to);
}

TEST(PiperVoice, ReadsEveryKeyAndTheDefaults) {
  const PiperVoice voice = read(kVoice).value();
  EXPECT_EQ(voice.sample_rate, 16000);
  EXPECT_EQ(voice.espeak_voice, "de");
  EXPECT_EQ(voice.language, "de_DE");
  EXPECT_EQ(voice.noise_scale, 0.5f);
  EXPECT_EQ(voice.noise_w, 0);
  EXPECT_EQ(voice.hop_length, 256);
  EXPECT_EQ(voice.phoneme_id_map.at("ts"), (std::vector<int64_t>{3, 4}));
  EXPECT_EQ(voice.phoneme_map.at("c"), std::vector<std::string>{"k"});
  EXPECT_EQ(voice.speaker_id_map.at("bob"), 1);
}

TEST(PiperVoice, ErrorsNameTheKey) {
  const auto message = [](const std::string& json) { return read(json).error().message; };
  EXPECT_NE(message(with("16000", "0")).find("sample_rate"), std::string::npos);
  EXPECT_NE(message(with("16000", "\"x\"")).find("sample_rate"), std::string::npos);
  EXPECT_NE(message(with("[3, 4]", "[3, 130]")).find("phoneme_id_map"), std::string::npos);
  EXPECT_NE(message(with("[3, 4]", "[-1]")).find("phoneme_id_map"), std::string::npos);
  EXPECT_NE(message(with("\"bob\": 1", "\"bob\": 2")).find("speaker_id_map"), std::string::npos);
  EXPECT_NE(message(with("\"voice\": \"de\"", "\"x\": 1")).find("espeak.voice"), std::string::npos);
  EXPECT_NE(message("{}").find("espeak.voice"), std::string::npos);
  EXPECT_NE(message("[1]").find("espeak.voice"), std::string::npos);
  EXPECT_EQ(read(with("\"espeak\", \"phoneme_map\"", "\"pinyin\", \"phoneme_map\"")).error().code,
            ErrorCode::kUnsupported);
}

TEST(PiperVoice, DeepNestingIsNoStackOverflow) {
  EXPECT_FALSE(read(std::string(1 << 20, '[')));
  EXPECT_FALSE(read("{\"audio\":" + std::string(1 << 18, '[') + std::string(1 << 18, ']') + "}"));
}

TEST(PiperVoice, ReadsARealVoice) {
  const std::string path = testing_files::model_path("en_US-joe-medium.onnx.json");
  TENWATT_NEED_FILE(path);
  const PiperVoice voice = read_piper_voice(path).value();
  EXPECT_EQ(voice.sample_rate, 22050);
  EXPECT_EQ(voice.espeak_voice, "en-us");
  EXPECT_EQ(voice.phoneme_id_map.at("$"), std::vector<int64_t>{2});
  EXPECT_GT(voice.phoneme_id_map.size(), 100u);
}

}  // namespace
}  // namespace tenwatt::files
