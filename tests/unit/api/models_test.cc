// The public API on the catalogue's real models, where they have been pulled.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "material.h"
#include "tenwatt/assistant.h"

namespace tenwatt {
namespace {

using material::model_if_present;

std::shared_ptr<Runtime> runtime(RuntimeOptions options = {}) {
  options.keep_artifacts = false;
  auto made = Runtime::create(options);
  EXPECT_TRUE(made) << made.error().message;
  return *made;
}

TEST(ModelApi, ContinuesTextGreedily) {
  const std::string path = model_if_present("SmolLM2-135M-Instruct.Q4_1.gguf");
  if (path.empty()) GTEST_SKIP() << "set TENWATT_TEST_MODELS to the folder of the models";
  auto model = Model::open(runtime(), path);
  ASSERT_TRUE(model) << model.error().message;
  GenerateOptions options;
  options.max_tokens = 24;
  auto generation = (*model)->generate("The capital of France is", options);
  ASSERT_TRUE(generation) << generation.error().message;
  std::printf("%s | prefill %.3f s decode %.3f s for %d\n", generation->text.c_str(),
              generation->stats.prefill_seconds, generation->stats.decode_seconds,
              static_cast<int>(generation->ids.size()));
  EXPECT_NE(generation->text.find("Paris"), std::string::npos);
}

TEST(VoiceApi, SpeaksTheSameInWindowsAndWhole) {
  const std::string path = model_if_present("en_US-joe-medium.onnx");
  if (path.empty()) GTEST_SKIP() << "set TENWATT_TEST_MODELS to the folder of the models";
  auto voice = Voice::open(runtime(), path);
  ASSERT_TRUE(voice) << voice.error().message;
  std::vector<int64_t> ids = {1, 0};
  for (int64_t i = 0; i < 60; ++i) {
    ids.push_back(14 + i % 30);
    ids.push_back(0);
  }
  ids.push_back(2);
  std::vector<float> sound[2];
  for (bool whole : {false, true}) {
    SayOptions options;
    options.noise = 0;
    options.whole = whole;
    auto said = (*voice)->say_ids(ids, options, [&](std::span<const float> samples) -> Status {
      sound[whole].insert(sound[whole].end(), samples.begin(), samples.end());
      return {};
    });
    ASSERT_TRUE(said) << said.error().message;
    std::printf("%.2f s of sound in %.3f s, first after %.3f\n", said->audio_seconds,
                said->wall_seconds, said->first_audio_seconds);
  }
  EXPECT_FALSE(sound[0].empty());
  EXPECT_EQ(sound[0], sound[1]);
}

}  // namespace
}  // namespace tenwatt
