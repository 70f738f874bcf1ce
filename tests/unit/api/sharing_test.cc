// What the API promises to programs with several threads and conversations, on the catalogue's real
// models, where they have been pulled: sharing changes no bit, and forks leave each other alone.
#include <gtest/gtest.h>

#include <functional>
#include <thread>

#include "material.h"
#include "tenwatt/tenwatt.h"

namespace tenwatt {
namespace {

constexpr const char* kNoModels = "set TENWATT_TEST_MODELS to the folder of the models";

struct Sharing : ::testing::Test {
  static void SetUpTestSuite() {
    runtime = Runtime::create({.threads = 2, .keep_artifacts = false}).value();
  }
  static void TearDownTestSuite() {
    model.reset();
    runtime.reset();
  }
  void SetUp() override {
    const std::string path = material::model_if_present("SmolLM2-135M-Instruct.Q4_1.gguf");
    if (path.empty()) GTEST_SKIP() << kNoModels;
    if (model) return;
    auto opened = Model::open(runtime, path);
    ASSERT_TRUE(opened) << opened.error().message;
    model = *opened;
  }
  static GenerateOptions limit(int64_t tokens) {
    GenerateOptions options;
    options.max_tokens = tokens;
    return options;
  }
  static std::unique_ptr<Chat> chat() { return Chat::open(model, "Be brief.").value(); }

  static inline std::shared_ptr<Runtime> runtime;
  static inline std::shared_ptr<Model> model;
};

/// Runs all of `jobs` at once, each on a thread of its own.
void at_once(const std::vector<std::function<void()>>& jobs) {
  std::vector<std::thread> threads;
  threads.reserve(jobs.size());
  for (const auto& job : jobs) threads.emplace_back(job);
  for (std::thread& thread : threads) thread.join();
}

TEST_F(Sharing, TwoThreadsOnOneModelGetWhatEachWouldGetAlone) {
  const std::string prompts[] = {"The sea is", "Bread is made of"};
  std::vector<int32_t> alone[2];
  for (int i = 0; i < 2; ++i) alone[i] = model->generate(prompts[i], limit(24)).value().ids;
  EXPECT_NE(alone[0], alone[1]);
  std::vector<int32_t> together[2];
  at_once({[&] { together[0] = model->generate(prompts[0], limit(24)).value().ids; },
           [&] { together[1] = model->generate(prompts[1], limit(24)).value().ids; }});
  EXPECT_EQ(together[0], alone[0]);
  EXPECT_EQ(together[1], alone[1]);
}

TEST_F(Sharing, DifferentModelsOfOneRuntimeRunAtOnce) {
  const std::string path = material::model_if_present("en_US-joe-medium.onnx");
  if (path.empty()) GTEST_SKIP() << kNoModels;
  const auto voice = Voice::open(runtime, path).value();
  std::vector<int64_t> ids = {1, 0};
  for (int64_t i = 0; i < 40; ++i) ids.insert(ids.end(), {14 + i % 30, 0});
  ids.push_back(2);
  SayOptions say;
  say.noise = 0;
  const auto speak = [&] {
    std::vector<float> sound;
    EXPECT_TRUE(voice->say_ids(ids, say, [&](std::span<const float> samples) -> Status {
      sound.insert(sound.end(), samples.begin(), samples.end());
      return {};
    }));
    return sound;
  };
  const std::vector<float> sound = speak();
  const std::vector<int32_t> text = model->generate("The sea is", limit(24)).value().ids;
  std::vector<float> sound_then;
  std::vector<int32_t> text_then;
  at_once({[&] { sound_then = speak(); },
           [&] { text_then = model->generate("The sea is", limit(24)).value().ids; }});
  EXPECT_EQ(sound_then, sound);
  EXPECT_EQ(text_then, text);
}

TEST_F(Sharing, CancellingOneCallLeavesTheOtherAlone) {
  const std::vector<int32_t> alone = model->generate("The sea is", limit(32)).value().ids;
  CancelFlag cancel = false;
  Generation stopped;
  std::vector<int32_t> other;
  at_once({[&] {
             GenerateOptions options = limit(400);
             options.cancel = &cancel;
             int pieces = 0;
             stopped = model
                           ->generate("Once upon a time", options,
                                      [&](std::string_view) {
                                        if (++pieces == 3) cancel = true;
                                        return true;
                                      })
                           .value();
           },
           [&] { other = model->generate("The sea is", limit(32)).value().ids; }});
  EXPECT_EQ(stopped.stop, "cancelled");
  EXPECT_LT(stopped.ids.size(), 400U);
  EXPECT_EQ(other, alone);
}

TEST_F(Sharing, AForkGoesOnAloneAndAtOnceWithItsOrigin) {
  const auto origin = chat();
  ASSERT_TRUE(origin->send("What is the capital of France?", limit(16)));
  const auto expected = origin->fork().value()->send("And of Italy?", limit(16)).value().ids;
  const auto one = origin->fork().value();
  const auto two = origin->fork().value();
  std::vector<int32_t> answers[2];
  at_once({[&] { answers[0] = one->send("And of Italy?", limit(16)).value().ids; },
           [&] { answers[1] = two->send("And of Italy?", limit(16)).value().ids; }});
  EXPECT_EQ(answers[0], expected);
  EXPECT_EQ(answers[1], expected);
  EXPECT_EQ(origin->history().size(), 3U);
  EXPECT_EQ(one->history().size(), 5U);
}

TEST_F(Sharing, ASavedChatGoesOnInAnotherWithoutReadingAnew) {
  const auto origin = chat();
  ASSERT_TRUE(origin->send("What is the capital of France?", limit(16)));
  const std::string saved = origin->save().value();
  const auto loaded = Chat::load(model, saved);
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ((*loaded)->tokens(), origin->tokens());
  ASSERT_EQ((*loaded)->history().size(), 3U);
  EXPECT_EQ((*loaded)->history()[2].content, origin->history()[2].content);
  const auto answer = (*loaded)->send("And of Italy?", limit(16)).value();
  EXPECT_LT(answer.stats.prompt_tokens, origin->tokens());
  EXPECT_EQ(answer.ids, origin->send("And of Italy?", limit(16)).value().ids);
}

TEST_F(Sharing, SpeechThatArrivesInPiecesSoundsLikeTheWhole) {
  const std::string path = material::model_if_present("en_US-joe-medium.onnx");
  if (path.empty()) GTEST_SKIP() << kNoModels;
  const auto voice = Voice::open(runtime, path).value();
  const std::string text = "The harbour is quiet. Gulls sit on the wall, and nobody speaks.";
  std::vector<float> whole;
  std::vector<float> pieces;
  const auto into = [](std::vector<float>& sound) {
    return [&sound](std::span<const float> samples) -> Status {
      sound.insert(sound.end(), samples.begin(), samples.end());
      return {};
    };
  };
  const auto said = voice->say(text, {.seed = 7}, into(whole));
  if (!said && said.error().code == ErrorCode::kNotFound) {
    GTEST_SKIP() << "build the target tenwatt-phonemize: " << said.error().message;
  }
  ASSERT_TRUE(said) << said.error().message;
  const auto speech = Speech::open(voice, {.seed = 7}, into(pieces)).value();
  for (size_t at = 0; at < text.size(); at += 5) {
    ASSERT_TRUE(speech->push(std::string_view(text).substr(at, 5)));
  }
  EXPECT_FALSE(pieces.empty()) << "the first sentence is spoken before the last word is there";
  const auto stats = speech->finish();
  ASSERT_TRUE(stats) << stats.error().message;
  EXPECT_EQ(pieces, whole);
  EXPECT_EQ(stats->sentences, said->sentences);
}

}  // namespace
}  // namespace tenwatt
