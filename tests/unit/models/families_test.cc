// Families of language models on tiny random files, against a NumPy run that was recorded with them
// (tests/reference/record_families.py), and the numeric contract where attention sees a window.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>

#include "decoding/sequence.h"
#include "models/language_model.h"
#include "unit/engine/tiny_models.h"

namespace tenwatt::models {
namespace {

using decoding::Sequence;
using text::TokenId;

constexpr int64_t kMaxRows = 48;
/// Of the tiny gemma3, in six of its seven layers.
constexpr int64_t kWindow = 8;

std::string recorded(const std::string& name) {
  return std::string(TENWATT_SOURCE_DIR) + "/tests/reference/data/families/" + name;
}

struct Reference {
  std::vector<TokenId> ids;
  std::vector<std::vector<float>> logits;
};

Reference reference_of(const std::string& family) {
  std::ifstream file(recorded(family + ".json"));
  const auto json = nlohmann::json::parse(file);
  return {json["ids"], json["logits"]};
}

Result<LanguageModel> tiny(const std::string& family,
                           devices::Precision precision = devices::Precision::kFast) {
  return read_language_model(recorded(family + ".gguf"),
                             {.max_rows = kMaxRows, .precision = precision});
}

std::shared_ptr<const engine::Program> program_of(const std::string& family, int threads,
                                                  devices::Precision precision) {
  auto model = tiny(family, precision);
  EXPECT_TRUE(model) << model.error().message;
  engine::ProgramOptions options = engine::testing::cpu_options(threads);
  options.plan.precision = precision;
  return engine::testing::prepare(std::move(model->graph), std::move(options));
}

/// The logits after each token, in runs of at most `piece`.
std::vector<float> logits_in_pieces(Sequence& sequence, std::span<const TokenId> ids,
                                    int64_t piece) {
  std::vector<float> all;
  const auto keep = [&](int64_t, std::span<const float> row) {
    all.insert(all.end(), row.begin(), row.end());
    return Status();
  };
  EXPECT_TRUE(sequence.append_each(ids, keep, nullptr, piece));
  return all;
}

std::vector<float> logits_of(const std::shared_ptr<const engine::Program>& program,
                             std::span<const TokenId> ids, int64_t piece = 0) {
  Sequence sequence(program);
  return logits_in_pieces(sequence, ids, piece);
}

class FamilyTest : public ::testing::TestWithParam<const char*> {};

TEST_P(FamilyTest, AgreesWithNumPyInExactPrecision) {
  const Reference reference = reference_of(GetParam());
  const auto program = program_of(GetParam(), 2, devices::Precision::kExact);
  const std::vector<float> ours = logits_of(program, reference.ids);
  size_t at = 0;
  for (const std::vector<float>& row : reference.logits) {
    for (const float expected : row) {
      ASSERT_NEAR(ours.at(at), expected, 2e-4) << "position " << at / row.size();
      ++at;
    }
  }
  EXPECT_EQ(at, ours.size());
}

TEST_P(FamilyTest, RowsHaveTheSameBitsWithAnyThreadsAndPieces) {
  const Reference reference = reference_of(GetParam());
  const auto one = program_of(GetParam(), 1, devices::Precision::kFast);
  const std::vector<float> whole = logits_of(one, reference.ids);
  for (const int threads : {1, 2, 3, 7}) {
    const auto program = program_of(GetParam(), threads, devices::Precision::kFast);
    for (const int64_t piece : {1, 7, 8, 9, 16, 17, 33}) {
      EXPECT_EQ(logits_of(program, reference.ids, piece), whole)
          << threads << " threads, pieces of " << piece;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Every, FamilyTest, ::testing::Values("llama", "qwen2", "gemma3"),
                         [](const auto& named) { return std::string(named.param); });

TEST(Family, ResidualsBeyondTheRangeOf16BitFloatsAreNumbersAsAnyOther) {
  const Reference reference = reference_of("gemma3_loud");
  for (const auto precision : {devices::Precision::kFast, devices::Precision::kExact}) {
    const std::vector<float> ours =
        logits_of(program_of("gemma3_loud", 2, precision), reference.ids);
    const float tolerance = precision == devices::Precision::kExact ? 2e-4f : 0.1f;
    size_t at = 0;
    for (const std::vector<float>& row : reference.logits) {
      for (const float expected : row) ASSERT_NEAR(ours.at(at++), expected, tolerance);
    }
  }
}

struct SlidingWindowAttention : ::testing::Test {
  void SetUp() override {
    std::mt19937 random(3);
    for (int i = 0; i < 200; ++i) ids.push_back(static_cast<TokenId>(random() % 40));
    program = program_of("gemma3", 2, devices::Precision::kFast);
    whole = logits_of(program, ids);
    row = whole.size() / ids.size();
  }

  std::vector<float> tail_from(int64_t position) const {
    return {whole.begin() + static_cast<ptrdiff_t>(row) * position, whole.end()};
  }

  std::vector<TokenId> ids;
  std::shared_ptr<const engine::Program> program;
  std::vector<float> whole;
  size_t row = 0;
};

TEST_F(SlidingWindowAttention, ForksGoOnWithTheSameBitsOnEitherSideOfItsEdge) {
  const std::span<const TokenId> all = ids;
  for (const int64_t at : {kWindow - 1, kWindow, kWindow + 1, int64_t{64}, int64_t{100}}) {
    const auto cut = static_cast<size_t>(at);
    Sequence sequence(program);
    logits_in_pieces(sequence, all.first(cut), 5);
    auto fork = sequence.fork();
    ASSERT_TRUE(fork);
    // The original goes another way before the fork goes on.
    const std::vector<TokenId> other(30, 1);
    logits_in_pieces(sequence, other, 0);
    EXPECT_EQ(logits_in_pieces(*fork, all.subspan(cut), 11), tail_from(at)) << at;
  }
}

TEST_F(SlidingWindowAttention, TruncatedSequencesGoOnWithTheSameBits) {
  const std::span<const TokenId> all = ids;
  for (const int64_t at :
       {int64_t{1}, kWindow - 1, kWindow, kWindow + 1, int64_t{64}, int64_t{65}}) {
    const auto cut = static_cast<size_t>(at);
    Sequence sequence(program);
    logits_in_pieces(sequence, all.first(cut), 3);
    const std::vector<TokenId> other(90, 2);
    logits_in_pieces(sequence, other, 0);
    ASSERT_TRUE(sequence.truncate(at));
    EXPECT_EQ(logits_in_pieces(sequence, all.subspan(cut), 7), tail_from(at)) << at;
  }
}

TEST_F(SlidingWindowAttention, SlicesOfABatchHaveTheBitsOfSequencesAlone) {
  const std::span<const TokenId> all = ids;
  engine::Batch batch;
  std::vector<Sequence> sequences;
  std::vector<TokenId> together;
  constexpr int64_t kBefore[] = {3, 20, 100};
  constexpr int64_t kRows[] = {11, 9, 1};
  for (const int64_t before : kBefore) {
    sequences.emplace_back(program);
    logits_in_pieces(sequences.back(), all.first(static_cast<size_t>(before)), 0);
  }
  for (size_t i = 0; i < sequences.size(); ++i) {
    std::vector<int64_t> wanted(static_cast<size_t>(kRows[i]));
    std::iota(wanted.begin(), wanted.end(), 0);
    batch.slices.push_back({&sequences[i].session(), kRows[i], wanted});
    const auto part = all.subspan(static_cast<size_t>(kBefore[i]), static_cast<size_t>(kRows[i]));
    together.insert(together.end(), part.begin(), part.end());
  }
  const auto count = static_cast<int64_t>(together.size());
  batch.inputs.emplace("ids", Tensor::of(std::span<const TokenId>(together), {count}));
  const auto outputs = program->run(batch);
  ASSERT_TRUE(outputs) << outputs.error().message;
  const auto values = (*outputs)[0].values<float>();
  size_t at = 0;
  for (size_t i = 0; i < sequences.size(); ++i) {
    const std::vector<float> alone = tail_from(kBefore[i]);
    const size_t size = static_cast<size_t>(kRows[i]) * row;
    EXPECT_TRUE(std::ranges::equal(values.subspan(at, size), std::span(alone).first(size))) << i;
    at += size;
  }
}

TEST_F(SlidingWindowAttention, ATokenBeyondEveryWindowStillCountsInTheLayerThatSeesEverything) {
  std::vector<TokenId> changed = ids;
  changed[0] = (changed[0] + 1) % 40;
  const std::vector<float> other = logits_of(program, changed);
  const auto last = std::span(whole).last(row);
  EXPECT_FALSE(std::ranges::equal(last, std::span<const float>(other).last(row)));
}

}  // namespace
}  // namespace tenwatt::models
