// Whisper's special tokens and text tokens against its published layout, its own files and
// Hugging Face's tokenizer.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <numeric>

#include "materials.h"
#include "text/whisper_tokens.h"
#include "text/whisper_vocabulary.h"

namespace tenwatt::text {
namespace {

using Json = nlohmann::json;
using Ids = std::vector<TokenId>;

struct Model {
  std::string name;
  TokenizerSpec spec;
  std::unique_ptr<Tokenizer> tokenizer;
  WhisperTokens tokens;
};

std::vector<Model> models() {
  std::vector<Model> out;
  for (const char* name : {"whisper-base", "whisper-tiny.en"}) {
    const auto text = file_text(models_folder() / name / "vocabulary.txt");
    if (!text) continue;
    auto spec = whisper_spec_from_vocabulary(*text);
    EXPECT_TRUE(spec) << spec.error().message;
    auto tokenizer = make_tokenizer(*spec);
    EXPECT_TRUE(tokenizer);
    const auto size = static_cast<int64_t>(spec->tokens.size());
    out.push_back({name, std::move(*spec), std::move(*tokenizer), *WhisperTokens::of_size(size)});
  }
  return out;
}

TEST(WhisperTokens, LieWhereEachSizeOfVocabularyPutsThem) {
  const auto en = *WhisperTokens::of_size(51864);
  EXPECT_EQ(en.end_of_text, 50256);
  EXPECT_EQ(en.translate, 50357);
  EXPECT_EQ(en.no_timestamps, 50362);
  EXPECT_EQ(en.first_timestamp, 50363);
  EXPECT_EQ(en.last_timestamp, 51863);
  const auto all = *WhisperTokens::of_size(51865);
  EXPECT_EQ(all.start_of_transcript, 50258);
  EXPECT_EQ(all.language("german"), 50261);
  EXPECT_EQ(all.language("yue"), std::nullopt);
  EXPECT_EQ(all.transcribe, 50359);
  EXPECT_EQ(all.start_of_previous, 50361);
  EXPECT_EQ(all.no_speech, 50362);
  EXPECT_EQ(all.last_timestamp, 51864);
  const auto large = *WhisperTokens::of_size(51866);
  EXPECT_EQ(large.language("yue"), 50358);
  EXPECT_EQ(large.language_of(50358)->name, "Cantonese");
  EXPECT_EQ(large.first_timestamp, 50365);
  EXPECT_FALSE(WhisperTokens::of_size(51867));
  EXPECT_FALSE(WhisperTokens::of_size(-1));
}

TEST(WhisperTokens, TimestampsRoundTrip) {
  const auto tokens = *WhisperTokens::of_size(51865);
  for (int step = 0; step <= 1500; ++step) {
    const TokenId id = tokens.first_timestamp + step;
    ASSERT_EQ(tokens.timestamp(tokens.seconds(id)), id);
  }
  EXPECT_EQ(tokens.timestamp(-1), tokens.first_timestamp);
  EXPECT_EQ(tokens.timestamp(1e30), tokens.last_timestamp);
  EXPECT_EQ(tokens.timestamp(std::numeric_limits<double>::quiet_NaN()), tokens.first_timestamp);
}

TEST(WhisperVocabulary, ItsFileAgreesWithTheLayout) {
  const auto all = models();
  if (all.empty()) GTEST_SKIP() << "no Whisper model in " << models_folder();
  for (const Model& model : all) {
    const WhisperTokens& t = model.tokens;
    const auto piece = [&](TokenId id) { return model.tokenizer->piece(id); };
    EXPECT_EQ(piece(t.end_of_text), "<|endoftext|>");
    EXPECT_EQ(piece(t.start_of_transcript), "<|startoftranscript|>");
    EXPECT_EQ(piece(t.transcribe), "<|transcribe|>");
    EXPECT_EQ(piece(t.start_of_previous), "<|startofprev|>");
    EXPECT_EQ(piece(t.no_timestamps), "<|notimestamps|>");
    EXPECT_EQ(piece(t.first_timestamp), "<|0.00|>");
    EXPECT_EQ(piece(t.last_timestamp), "<|30.00|>");
    for (int i = 0; i < t.language_count; ++i) {
      // Some published files still spell Hebrew by its old code.
      if (piece(t.first_language + i) == "<|iw|>") continue;
      EXPECT_EQ(piece(t.first_language + i),
                "<|" + std::string(whisper_languages()[i].code) + "|>");
    }
  }
}

TEST(WhisperVocabulary, BothFilesGiveTheSameVocabulary) {
  const auto all = models();
  if (all.empty()) GTEST_SKIP() << "no Whisper model in " << models_folder();
  for (const Model& model : all) {
    const auto json = file_text(models_folder() / model.name / "tokenizer.json");
    ASSERT_TRUE(json);
    const auto spec = whisper_spec_from_tokenizer_json(*json);
    ASSERT_TRUE(spec) << spec.error().message;
    EXPECT_EQ(spec->tokens, model.spec.tokens);
    EXPECT_EQ(spec->types, model.spec.types);
  }
}

TEST(WhisperVocabulary, EncodesAsTheReference) {
  const auto all = models();
  if (all.empty()) GTEST_SKIP() << "no Whisper model in " << models_folder();
  const Json record = Json::parse(recorded("whisper_text.json"));
  for (const Model& model : all) {
    for (const Json& c : record["models"][model.name]) {
      const auto text = c["text"].get<std::string>();
      const Ids ids = model.tokenizer->encode(text);
      EXPECT_EQ(ids, c["ids"].get<Ids>()) << model.name << ": " << text;
      EXPECT_EQ(model.tokenizer->decode(ids), text);
    }
  }
}

TEST(WhisperVocabulary, NonSpeechTokensAreThoseOfTheReference) {
  const auto all = models();
  if (all.empty()) GTEST_SKIP() << "no Whisper model in " << models_folder();
  for (const Model& model : all) {
    const Ids ids = non_speech_tokens(*model.tokenizer);
    EXPECT_EQ(ids.size(), model.tokens.multilingual ? 82u : 84u);
    EXPECT_EQ(std::accumulate(ids.begin(), ids.end(), 0),
              model.tokens.multilingual ? 826094 : 750220);
    const auto config = file_text(models_folder() / model.name / "config.json");
    ASSERT_TRUE(config);
    EXPECT_EQ(suppressed_tokens(*model.tokenizer, model.tokens),
              Json::parse(*config)["suppress_ids"].get<Ids>());
  }
}

TEST(WhisperVocabulary, DamagedFilesAreRefused) {
  EXPECT_FALSE(whisper_spec_from_vocabulary(""));
  EXPECT_FALSE(whisper_spec_from_vocabulary(std::string(51864, 'x')));
  EXPECT_FALSE(whisper_spec_from_vocabulary(std::string(200000, '\n')));
  for (const char* json :
       {"", "{", "[]", "{\"model\":1}", "{\"model\":{\"vocab\":{\"a\":-1}}}",
        "{\"model\":{\"vocab\":{\"a\":1e18}}}", "{\"model\":{\"vocab\":{\"a\":999999999}}}",
        "{\"model\":{\"vocab\":{\"a\":0}},\"added_tokens\":[1]}"}) {
    EXPECT_FALSE(whisper_spec_from_tokenizer_json(json)) << json;
  }
}

}  // namespace
}  // namespace tenwatt::text
