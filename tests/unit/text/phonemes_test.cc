// Phonemes and their ids against piper-tts. Debian's espeak-ng is older than the one in piper-tts,
// so phonemes may differ in places; sentence ends, punctuation and ids may not.
#include "text/phonemes.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <numeric>
#include <thread>

#include "materials.h"
#include "text/phonemizer_process.h"

namespace tenwatt::text {
namespace {

using Json = nlohmann::json;
using namespace std::chrono_literals;

const Json& record() {
  static const Json json = Json::parse(recorded("phonemes.json"));
  return json;
}

PhonemeIdMap id_map() { return record()["phoneme_id_map"].get<PhonemeIdMap>(); }

std::string helper() {
  const char* named = std::getenv("TENWATT_PHONEMIZE");
  return named ? named : TENWATT_BINARY_DIR "/helpers/phonemize/tenwatt-phonemize";
}

PhonemizerOptions with(std::string program) { return {.program = std::move(program)}; }

size_t edit_distance(const Phonemes& a, const Phonemes& b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i + 1);
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t changed = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({changed, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

/// The punctuation that a sentence's phonemes hold.
std::string marks_of(const Phonemes& sentence) {
  std::string marks;
  for (const std::string& phoneme : sentence) {
    if (std::string_view(".,:;?!").contains(phoneme)) marks += phoneme;
  }
  return marks;
}

/// The same from recorded clauses [has sound, mark, ends sentence]; silent sentences are dropped.
std::vector<std::string> expected_marks(const Json& clauses) {
  std::vector<std::string> sentences;
  std::string marks;
  bool any = false;
  for (const Json& clause : clauses) {
    marks += clause[1].get<std::string>();
    any = any || clause[0].get<bool>() || !marks.empty();
    if (!clause[2].get<bool>()) continue;
    if (any) sentences.push_back(marks);
    marks.clear();
    any = false;
  }
  if (any) sentences.push_back(marks);
  return sentences;
}

TEST(PhonemeIds, EqualPipersForEverySentence) {
  for (const Json& c : record()["sentences"]) {
    for (size_t i = 0; i < c["sentences"].size(); ++i) {
      const auto made = phoneme_ids(c["sentences"][i].get<Phonemes>(), id_map());
      ASSERT_TRUE(made);
      EXPECT_EQ(made->ids, c["ids"][i].get<std::vector<int64_t>>()) << c["text"];
    }
  }
}

TEST(PhonemeIds, MissingPhonemesAreLeftOutAndCounted) {
  const PhonemeIdMap map = {{"^", {1}}, {"_", {0}}, {"$", {2}}, {"a", {7, 8}}};
  const auto made = phoneme_ids(Phonemes{"a", "?", "?"}, map);
  ASSERT_TRUE(made);
  EXPECT_EQ(made->ids, (std::vector<int64_t>{1, 0, 7, 8, 0, 2}));
  EXPECT_EQ(made->missing.at("?"), 2);
  EXPECT_FALSE(phoneme_ids(Phonemes{"a"}, {{"a", {7}}}));
}

TEST(PhonemeIds, PhonemesAreDecomposed) {
  EXPECT_EQ(phonemes_of("ç\xFFõ"), (Phonemes{"c", "\u0327", "o", "\u0303"}));
}

TEST(PhonemizerProcess, EndsClausesAsPiperDoes) {
  PhonemizerProcess phonemizer(with(helper()));
  for (const Json& c : record()["clauses"]) {
    const auto text = c["text"].get<std::string>();
    const auto made = phonemizer.phonemize("en-us", text);
    ASSERT_TRUE(made) << made.error().message;
    std::vector<std::string> marks;
    for (const Phonemes& sentence : *made) marks.push_back(marks_of(sentence));
    EXPECT_EQ(marks, expected_marks(c["ends"])) << c["text"];
  }
}

TEST(PhonemizerProcess, AgreesWithPiperButForTheVersionOfEspeak) {
  PhonemizerProcess phonemizer(with(helper()));
  size_t phonemes = 0, different = 0, sentences = 0, equal = 0;
  for (const Json& c : record()["sentences"]) {
    const auto expected = c["sentences"].get<std::vector<Phonemes>>();
    const auto made = phonemizer.phonemize("en-us", c["text"].get<std::string>());
    ASSERT_TRUE(made) << made.error().message;
    ASSERT_EQ(made->size(), expected.size()) << c["text"];
    for (size_t i = 0; i < expected.size(); ++i) {
      const size_t distance = edit_distance((*made)[i], expected[i]);
      phonemes += expected[i].size();
      different += distance;
      ++sentences;
      equal += distance == 0 ? 1 : 0;
      const auto ids = phoneme_ids((*made)[i], id_map());
      ASSERT_TRUE(ids);
      EXPECT_TRUE(ids->missing.empty());
    }
  }
  RecordProperty("sentences_equal", std::to_string(equal) + " of " + std::to_string(sentences));
  std::printf("equal sentences %zu of %zu, different phonemes %zu of %zu\n", equal, sentences,
              different, phonemes);
  EXPECT_LE(different * 100, phonemes * 3);
}

TEST(PhonemizerProcess, AHelperThatWasKilledIsStartedAgain) {
  PhonemizerProcess phonemizer(with(helper()));
  ASSERT_TRUE(phonemizer.warm_up());
  const pid_t first = phonemizer.process_id().value();
  ASSERT_EQ(::kill(first, SIGKILL), 0);
  const auto made = phonemizer.phonemize("en-us", "Hello.");
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->size(), 1u);
  EXPECT_NE(phonemizer.process_id(), first);
}

TEST(PhonemizerProcess, OneHelperServesManyThreads) {
  PhonemizerProcess phonemizer(with(helper()));
  std::vector<std::jthread> threads;
  std::atomic<int> good = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 10; ++i) good += phonemizer.phonemize("en-us", "One, two.") ? 1 : 0;
    });
  }
  threads.clear();
  EXPECT_EQ(good, 40);
}

TEST(PhonemizerProcess, AnyBytesAreText) {
  PhonemizerProcess phonemizer(with(helper()));
  std::string bytes;
  for (int i = 0; i < 4096; ++i) bytes += static_cast<char>(i * 37 >> (i % 5));
  EXPECT_TRUE(phonemizer.phonemize("en-us", bytes));
  EXPECT_TRUE(phonemizer.phonemize("en-us", std::string(3, '\0') + "Hi."));
  EXPECT_TRUE(phonemizer.phonemize("en-us", "[[ <speak> ]] (en) \n phonemize x 5"));
}

TEST(PhonemizerProcess, FailuresSayWhatToDo) {
  PhonemizerProcess missing(with("/nonexistent/helper"));
  const auto none = missing.phonemize("en-us", "Hi.");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(none.error().remedy.contains("TENWATT_PHONEMIZE"));

  PhonemizerProcess phonemizer(with(helper()));
  EXPECT_EQ(phonemizer.phonemize("en us\n", "Hi.").error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(phonemizer.phonemize("xx-nosuch", "Hi.").error().code, ErrorCode::kInvalidArgument);
  const std::string big(PhonemizerProcess::kMostBytes + 1, 'a');
  EXPECT_EQ(phonemizer.phonemize("en-us", big).error().code, ErrorCode::kOutOfRange);
  EXPECT_TRUE(phonemizer.phonemize("en-us", "Hi."));
}

TEST(PhonemizerProcess, AHelperThatNeverAnswersTimesOut) {
  PhonemizerProcess silent({.program = "/bin/cat", .timeout = 200ms});
  // cat echoes the request, which is no answer; a program that reads nothing says nothing.
  const auto echoed = silent.phonemize("en-us", "Hi.");
  ASSERT_FALSE(echoed);
  EXPECT_EQ(echoed.error().code, ErrorCode::kInternal);

  PhonemizerProcess gone(with("/bin/true"));
  EXPECT_EQ(gone.phonemize("en-us", "Hi.").error().code, ErrorCode::kIo);
}

}  // namespace
}  // namespace tenwatt::text
