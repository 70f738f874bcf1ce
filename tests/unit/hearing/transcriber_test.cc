// Whole recordings over a scripted model: windows, prompts, fallback, silence, language.
#include "hearing/transcriber.h"

#include <gtest/gtest.h>

#include "unit/hearing/reference.h"
#include "unit/hearing/scripted_model.h"
#include "unit/hearing/vocabulary.h"

namespace tenwatt::hearing {
namespace {

using text::TokenId;

TranscribeOptions acceptance_options() {
  TranscribeOptions options;
  options.language = "en";
  options.context = Context::kNone;
  options.without_fallback();
  return options;
}

class Whisper : public testing::Test {
 protected:
  void SetUp() override {
    const std::string folder = model_path("whisper-base");
    TENWATT_NEED_FILE(folder);
    vocabulary_ = vocabulary_of(folder);
  }

  /// Hears `seconds` of silence through a model that says `windows`.
  Result<Transcript> hear(std::vector<ScriptedWindow> windows, const TranscribeOptions& options,
                          double seconds = 10) {
    auto model = std::make_unique<ScriptedModel>(vocabulary_.tokens, std::move(windows));
    model_ = model.get();
    transcriber_ = std::make_unique<Transcriber>(std::move(model), vocabulary_);
    return transcriber_->transcribe(std::vector<float>(static_cast<size_t>(seconds * 16000)),
                                    options);
  }

  /// <|0.00|> text <|2.00|>, one timestamp at the end.
  std::vector<TokenId> said(const std::string& text) const {
    std::vector<TokenId> tokens = vocabulary_.tokenizer->encode(text);
    tokens.insert(tokens.begin(), vocabulary_.tokens.first_timestamp);
    tokens.push_back(vocabulary_.tokens.timestamp(2.0));
    return tokens;
  }

  WhisperVocabulary vocabulary_;
  ScriptedModel* model_ = nullptr;
  std::unique_ptr<Transcriber> transcriber_;
};

TEST(WhisperVocabulary, SuppressedTokensAreThoseOfTheModelsConfiguration) {
  for (const char* name : {"whisper-tiny.en", "whisper-base"}) {
    const std::string folder = model_path(name);
    TENWATT_NEED_FILE(folder);
    std::ifstream file(folder + "/config.json");
    const nlohmann::json config = nlohmann::json::parse(file);
    const WhisperVocabulary vocabulary = vocabulary_of(folder);
    EXPECT_EQ(vocabulary.suppressed, config["suppress_ids"].get<std::vector<TokenId>>());
    EXPECT_EQ(vocabulary.suppressed_first,
              config["suppress_ids_begin"].get<std::vector<TokenId>>());
  }
}

/// The recorded streams give the recorded prompts, texts and times, whatever their length.
TEST(Transcriber, EveryRecordedStreamGivesFasterWhispersSegments) {
  for (const char* name : {"tiny.en", "base"}) {
    const std::string folder = model_path(std::string("whisper-") + name);
    TENWATT_NEED_FILE(folder);
    const WhisperVocabulary vocabulary = vocabulary_of(folder);
    for (const nlohmann::json& clip : recorded_clips(name)) {
      std::vector<ScriptedWindow> windows;
      for (const nlohmann::json& window : clip["windows"]) windows.push_back({{window["tokens"]}});
      auto scripted = std::make_unique<ScriptedModel>(vocabulary.tokens, std::move(windows));
      const ScriptedModel* model = scripted.get();
      Transcriber transcriber(std::move(scripted), vocabulary);
      TranscribeOptions options = acceptance_options();
      if (clip["id"] == "run-open-context") options.context = Context::kPreviousText;
      const auto heard =
          transcriber.transcribe(std::vector<float>(clip["samples"].get<size_t>()), options);
      ASSERT_TRUE(heard) << clip["id"] << ": " << heard.error().message;
      EXPECT_EQ(heard->text(), clip["text"].get<std::string>());
      ASSERT_EQ(heard->segments.size(), clip["segments"].size()) << clip["id"];
      for (size_t i = 0; i < heard->segments.size(); ++i) {
        const nlohmann::json& expected = clip["segments"][i];
        EXPECT_EQ(heard->segments[i].text, expected["text"].get<std::string>());
        EXPECT_NEAR(heard->segments[i].start, expected["start"].get<double>(), 6e-4);
        EXPECT_NEAR(heard->segments[i].end, expected["end"].get<double>(), 6e-4);
        EXPECT_NEAR(heard->segments[i].compression_ratio,
                    expected["compression_ratio"].get<double>(), 1e-4);
      }
      ASSERT_EQ(model->prompts.size(), clip["windows"].size());
      for (size_t i = 0; i < model->prompts.size(); ++i) {
        EXPECT_EQ(model->prompts[i], clip["windows"][i]["prompt"].get<std::vector<TokenId>>())
            << clip["id"] << ", window " << i;
      }
    }
  }
}

TEST_F(Whisper, RepetitionFallsBackToTheNextTemperature) {
  std::string repeated;
  for (int i = 0; i < 30; ++i) repeated += " la";
  TranscribeOptions options;
  options.language = "en";
  options.best_of = 1;
  const Transcript heard = hear({{{said(repeated), said(" Good day.")}}}, options).value();
  ASSERT_EQ(heard.segments.size(), 1U);
  EXPECT_EQ(heard.segments[0].text, " Good day.");
  EXPECT_NEAR(heard.segments[0].temperature, 0.2, 1e-6);
  EXPECT_EQ(model_->prompts.size(), 2U);

  const Transcript believed = hear({{{said(repeated)}}}, acceptance_options()).value();
  EXPECT_EQ(believed.segments[0].text, repeated);
  EXPECT_EQ(model_->prompts.size(), 1U);
}

TEST_F(Whisper, WhereAllTemperaturesFailTheLikeliestIsKept) {
  TranscribeOptions options;
  options.language = "en";
  options.best_of = 1;
  options.temperatures = {0, 1e-3F, 2e-3F};
  options.logprob_threshold = 1.0;  // nothing passes
  options.no_speech_threshold.reset();
  const Transcript heard =
      hear({{{said(" One."), said(" Two."), said(" Three.")}}}, options).value();
  EXPECT_EQ(heard.segments.size(), 1U);
  EXPECT_NEAR(heard.segments[0].temperature, 2e-3, 1e-6);
  EXPECT_EQ(model_->prompts.size(), 3U);
}

TEST_F(Whisper, SilenceIsSkippedUnlessTheWordsAreCertain) {
  TranscribeOptions options;
  options.language = "en";
  const std::vector<TokenId> words = said(" Thank you.");
  EXPECT_TRUE(
      hear({{.attempts = {words}, .certainty = 5, .no_speech = 30}}, options)->segments.empty());
  EXPECT_EQ(
      hear({{.attempts = {words}, .certainty = 50, .no_speech = 30}}, options)->segments.size(),
      1U);
}

TEST_F(Whisper, ContextIsThePreviousTextUnlessItWasSampledHot) {
  TranscribeOptions options;
  options.language = "en";
  const std::vector<ScriptedWindow> windows = {{{said(" One.")}}, {{said(" Two.")}}};
  ASSERT_TRUE(hear(windows, options, 40));
  ASSERT_EQ(model_->prompts.size(), 2U);
  std::vector<TokenId> expected = said(" One.");
  expected.insert(expected.begin(), vocabulary_.tokens.start_of_previous);
  for (TokenId id : {50258, 50259, 50359}) expected.push_back(id);
  EXPECT_EQ(model_->prompts[1], expected);

  options.context = Context::kNone;
  ASSERT_TRUE(hear(windows, options, 40));
  EXPECT_EQ(model_->prompts[1], (std::vector<TokenId>{50258, 50259, 50359}));

  options.context = Context::kPreviousText;
  options.temperatures = {0.8F};
  ASSERT_TRUE(hear(windows, options, 40));
  EXPECT_EQ(model_->prompts[1], (std::vector<TokenId>{50258, 50259, 50359}));
}

TEST_F(Whisper, ThePromptIsContextOfTheFirstWindow) {
  TranscribeOptions options = acceptance_options();
  options.prompt = "  Tenwatt ";
  ASSERT_TRUE(hear({{{said(" One.")}}, {{said(" Two.")}}}, options, 40));
  std::vector<TokenId> expected = vocabulary_.tokenizer->encode(" Tenwatt");
  expected.insert(expected.begin(), vocabulary_.tokens.start_of_previous);
  for (TokenId id : {50258, 50259, 50359}) expected.push_back(id);
  EXPECT_EQ(model_->prompts[0], expected);
  EXPECT_EQ(model_->prompts[1].size(), 3U);
}

TEST_F(Whisper, LanguageIsDetectedOnceAndNamed) {
  TranscribeOptions options = acceptance_options();
  options.language = "auto";
  options.task = Task::kTranslate;
  const TokenId german = vocabulary_.tokens.language("de").value();
  const Transcript heard =
      hear({{.attempts = {said(" Eins.")}, .language = german}, {.attempts = {said(" Zwei.")}}},
           options, 40)
          .value();
  EXPECT_EQ(heard.language, "de");
  EXPECT_GT(heard.language_probability, 0.9);
  for (const auto& prompt : model_->prompts) {
    EXPECT_EQ(prompt, (std::vector<TokenId>{50258, german, 50358}));
  }
  options.language = "Klingon";
  EXPECT_EQ(hear({}, options).error().code, ErrorCode::kInvalidArgument);
}

TEST_F(Whisper, SegmentsArriveAsTheyAreHeard) {
  TranscribeOptions options = acceptance_options();
  std::vector<std::string> arrived;
  options.on_segment = [&](const Segment& segment) { arrived.push_back(segment.text); };
  ASSERT_TRUE(hear({{{said(" One.")}}, {{said(" Two.")}}}, options, 40));
  EXPECT_EQ(arrived, (std::vector<std::string>{" One.", " Two."}));
}

TEST_F(Whisper, NoSoundIsAnEmptyTranscript) {
  EXPECT_TRUE(hear({}, acceptance_options(), 0)->segments.empty());
  EXPECT_EQ(model_->encoded(), 0U);
}

TEST_F(Whisper, AModelsErrorEndsTheTranscription) {
  EXPECT_EQ(hear({}, acceptance_options()).error().code, ErrorCode::kInternal);
}

}  // namespace
}  // namespace tenwatt::hearing
