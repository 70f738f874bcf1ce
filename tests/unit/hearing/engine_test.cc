// The real networks on the CPU against what was recorded from faster-whisper and onnxruntime. Needs
// the catalogue's models and the shared recordings.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "audio/speech.h"
#include "devices/cpu/cpu_device.h"
#include "hearing/transcriber.h"
#include "hearing/vad.h"
#include "hearing/whisper_engine.h"
#include "unit/hearing/reference.h"

namespace tenwatt::hearing {
namespace {

using text::TokenId;

engine::ProgramOptions exact_cpu() {
  engine::ProgramOptions options;
  options.plan.devices = {cpu::make_cpu_device().value()};
  options.plan.precision = devices::Precision::kExact;
  options.team = std::make_shared<Team>(2);
  return options;
}

std::vector<float> clip_sound(const nlohmann::json& clip) {
  std::vector<std::string> parts = {clip["id"].get<std::string>()};
  if (clip.contains("parts")) parts = clip["parts"].get<std::vector<std::string>>();
  std::vector<float> sound;
  for (const std::string& part : parts) {
    const auto piece = audio::load_speech(shared_path("data/speech/human/" + part + ".wav"));
    if (!piece) continue;
    sound.insert(sound.end(), piece->begin(), piece->end());
  }
  return sound;
}

/// Tokens, times and figures as faster-whisper's float32 gave them. Two float32 implementations may
/// differ where two tokens are nearly equally likely, so a few windows may.
void expect_recorded(const std::string& name, const std::vector<std::string>& ids) {
  const std::string folder = model_path("whisper-" + name);
  TENWATT_NEED_FILE(folder);
  TENWATT_NEED_FILE(shared_path("data/speech/human"));
  const auto engine = WhisperEngine::load(folder, {exact_cpu(), exact_cpu()});
  ASSERT_TRUE(engine) << engine.error().message;
  Transcriber transcriber = (*engine)->open();
  TranscribeOptions options;
  options.language = "en";
  options.context = Context::kNone;
  options.without_fallback();
  for (const nlohmann::json& clip : recorded_clips(name)) {
    if (std::find(ids.begin(), ids.end(), clip["id"]) == ids.end()) continue;
    const auto heard = transcriber.transcribe(clip_sound(clip), options);
    ASSERT_TRUE(heard) << clip["id"] << ": " << heard.error().message;
    EXPECT_EQ(heard->text(), clip["text"].get<std::string>()) << clip["id"];
    ASSERT_EQ(heard->segments.size(), clip["segments"].size()) << clip["id"];
    for (size_t i = 0; i < heard->segments.size(); ++i) {
      const nlohmann::json& expected = clip["segments"][i];
      EXPECT_EQ(heard->segments[i].tokens, expected["tokens"].get<std::vector<TokenId>>());
      EXPECT_NEAR(heard->segments[i].avg_logprob, expected["avg_logprob"].get<double>(), 2e-3);
      EXPECT_NEAR(heard->segments[i].no_speech_prob, expected["no_speech_prob"].get<double>(),
                  2e-3);
      EXPECT_NEAR(heard->segments[i].end, expected["end"].get<double>(), 6e-4);
    }
  }
}

TEST(WhisperOnCpu, TinyEnglishHearsShortAndLongRecordingsAsFasterWhisper) {
  expect_recorded("tiny.en", {"jfk", "ast-hello-world", "harvard-2-5", "run-prompts"});
}

TEST(WhisperOnCpu, BaseHearsAsFasterWhisper) { expect_recorded("base", {"jfk", "goforward"}); }

TEST(WhisperOnCpu, BaseDetectsEnglish) {
  const std::string folder = model_path("whisper-base");
  TENWATT_NEED_FILE(folder);
  const std::string clip = shared_path("data/speech/human/jfk.wav");
  TENWATT_NEED_FILE(clip);
  const auto engine = WhisperEngine::load(folder, {exact_cpu(), exact_cpu()}).value();
  const Transcript heard =
      engine->open().transcribe(audio::load_speech(clip).value(), TranscribeOptions{}).value();
  EXPECT_EQ(heard.language, "en");
  EXPECT_GT(heard.language_probability, 0.8);
}

TEST(WhisperOnCpu, ACancelledTranscriptionSaysSo) {
  const std::string folder = model_path("whisper-tiny.en");
  TENWATT_NEED_FILE(folder);
  const auto engine = WhisperEngine::load(folder, {exact_cpu(), exact_cpu()}).value();
  const std::atomic<bool> cancel = true;
  const auto heard =
      engine->open(&cancel).transcribe(std::vector<float>(16000), TranscribeOptions{});
  ASSERT_FALSE(heard);
  EXPECT_EQ(heard.error().code, ErrorCode::kCancelled);
}

class SileroOnCpu : public testing::Test {
 protected:
  void SetUp() override {
    const std::string path = model_path("silero_vad_16k_sequence.onnx");
    TENWATT_NEED_FILE(path);
    TENWATT_NEED_FILE(shared_path("data/speech/human"));
    auto engine = VadEngine::load(path, exact_cpu());
    ASSERT_TRUE(engine) << engine.error().message;
    engine_ = *engine;
    std::ifstream file(TENWATT_SOURCE_DIR "/tests/reference/data/vad.json");
    clips_ = nlohmann::json::parse(file)["clips"];
  }

  std::shared_ptr<const VadEngine> engine_;
  nlohmann::json clips_;
};

TEST_F(SileroOnCpu, ProbabilitiesEqualOnnxruntimesTo1e5) {
  for (const nlohmann::json& clip : clips_) {
    const std::vector<float> found = speech_probabilities(engine_, clip_sound(clip)).value();
    const std::vector<float> expected = clip["probabilities"];
    ASSERT_EQ(found.size(), expected.size()) << clip["id"];
    double worst = 0;
    for (size_t i = 0; i < found.size(); ++i) {
      worst = std::max<double>(worst, std::abs(found[i] - expected[i]));
    }
    EXPECT_LT(worst, 1e-5) << clip["id"];
  }
}

TEST_F(SileroOnCpu, PiecesOfAnySizeGiveTheSameBits) {
  const std::vector<float> sound = clip_sound(clips_[0]);
  const std::vector<float> whole = speech_probabilities(engine_, sound).value();
  for (size_t piece : {size_t{160}, size_t{512}, size_t{1000}, size_t{40000}}) {
    VadStream stream(engine_);
    std::vector<float> found;
    const auto keep = [&found](const std::vector<float>& more) {
      found.insert(found.end(), more.begin(), more.end());
    };
    for (size_t at = 0; at < sound.size(); at += piece) {
      keep(stream.push(std::span(sound).subspan(at, std::min(piece, sound.size() - at))).value());
    }
    keep(stream.finish().value());
    EXPECT_EQ(found, whole) << "pieces of " << piece;
  }
}

TEST_F(SileroOnCpu, FindsTheSpeechBetweenSilences) {
  std::vector<float> sound(32000);
  const std::vector<float> speech = clip_sound(clips_[2]);
  sound.insert(sound.end(), speech.begin(), speech.end());
  sound.insert(sound.end(), 32000, 0.0F);
  const auto stretches = find_speech(engine_, sound).value();
  ASSERT_FALSE(stretches.empty());
  EXPECT_GT(stretches.front().first, 30000);
  EXPECT_LT(stretches.back().end, static_cast<int64_t>(sound.size()) - 20000);
}

}  // namespace
}  // namespace tenwatt::hearing
